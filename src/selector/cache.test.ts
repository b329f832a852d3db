import { expect, test } from "bun:test";
import { createLog, silentLog } from "../log.ts";
import { memoryRegistry } from "../registry/memory.ts";
import type { Instance } from "../registry/registry.ts";
import { type CacheOptions, createCache } from "./cache.ts";
import type { Source } from "./source.ts";

const instance = (id: string, service = "greeter"): Instance => ({
  id,
  service,
  version: "1",
  address: "127.0.0.1:1",
  metadata: {},
});

/** What was set off has come to its end. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function watching(source: Partial<Source>, options: Partial<CacheOptions> = {}) {
  const registry = memoryRegistry();
  const watches: string[] = [];
  const ended: string[] = [];
  const forgotten: string[] = [];
  const cache = createCache({
    log: silentLog,
    forget: (service) => forgotten.push(service),
    source: {
      title: "the test",
      async *watch(service, signal) {
        watches.push(service);
        signal.addEventListener("abort", () => ended.push(service));
        yield* source.watch?.(service, signal) ?? registry.watch(service, signal);
      },
    },
    ...options,
  });
  return { cache, registry, watches, ended, forgotten };
}

test("the first question waits for the first snapshot, those after it are answered at once by one watch", async () => {
  const { cache, registry, watches } = watching({});
  await registry.register(instance("one"));
  const [first, second] = await Promise.all([cache.current("greeter"), cache.current("greeter")]);
  expect(first).toEqual([instance("one")]);
  expect(second).toBe(first);
  expect(cache.current("greeter")).toBe(first);
  expect(watches).toEqual(["greeter"]);
  await cache[Symbol.asyncDispose]();
});

test("each change of the instances is a line in the log, what is told again is none", async () => {
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line), format: "json" });
  const two = [instance("two"), instance("one")];
  const many = Array.from({ length: 22 }, (_, i) => instance(`i${i + 10}`));
  const source: Partial<Source> = {
    async *watch() {
      for (const snapshot of [[instance("one")], two, two.toReversed(), many, []]) yield snapshot;
      await new Promise(() => {});
    },
  };
  const { cache } = watching(source, { log });
  await cache.current("greeter");
  await settled();
  const told = lines.map(
    (line) => JSON.parse(line) as { message: string; service: string; instances: string },
  );
  expect(told.map(({ message, service }) => `${message} ${service}`)).toEqual(
    Array(4).fill("update instances greeter"),
  );
  expect(told[0]?.instances).toBe("one 127.0.0.1:1");
  expect(told[1]?.instances).toBe("one 127.0.0.1:1, two 127.0.0.1:1");
  expect(told[2]?.instances).toMatch(/^i10 .*, i29 127.0.0.1:1 and 2 more$/);
  expect(told[3]?.instances).toBe("");
  await cache[Symbol.asyncDispose]();
});

test("a change takes the place of what was known, an empty one too", async () => {
  const { cache, registry } = watching({});
  const one = await registry.register(instance("one"));
  await cache.current("greeter");
  await registry.register(instance("two"));
  await settled();
  expect(cache.current("greeter")).toHaveLength(2);
  await one[Symbol.asyncDispose]();
  await registry.deregister(instance("two"));
  await settled();
  expect(cache.current("greeter")).toEqual([]);
  await cache[Symbol.asyncDispose]();
});

test("a watch that ends or fails keeps what was known and is begun again", async () => {
  const again = Promise.withResolvers<void>();
  let times = 0;
  const { cache, watches } = watching(
    {
      async *watch() {
        times++;
        if (times === 1) yield [instance("one")];
        if (times === 2) throw new Error("reset");
        if (times === 3) {
          yield [instance("two")];
          again.resolve();
          await new Promise(() => {});
        }
      },
    },
    { rewatchMs: 1 },
  );
  const first = await cache.current("greeter");
  await settled();
  expect(cache.current("greeter")).toBe(first);
  await again.promise;
  expect(cache.current("greeter")).toEqual([instance("two")]);
  expect(watches).toHaveLength(3);
  await cache[Symbol.asyncDispose]();
});

test("a source that tells nothing leaves a call unavailable after a bounded wait", async () => {
  const { cache } = watching({ watch: () => silence() }, { firstSnapshotMs: 5 });
  await expect(cache.current("greeter")).rejects.toMatchObject({
    code: "unavailable",
    message: "service greeter: the test told nothing within 5 ms",
  });
  await cache[Symbol.asyncDispose]();
});

test("disposing ends the watches and the waits", async () => {
  const { cache, ended } = watching({ watch: () => silence() }, { firstSnapshotMs: 60_000 });
  const waiting = Promise.resolve(cache.current("greeter"));
  const outcome = waiting.catch((error: Error) => error.message);
  await cache[Symbol.asyncDispose]();
  expect(await outcome).toBe("service greeter: its watch was ended");
  expect(ended).toEqual(["greeter"]);
  expect(() => cache.current("greeter")).toThrow("its selector is closed");
});

test("a service that nobody asks for is watched no longer", async () => {
  let time = 0;
  const { cache, ended, forgotten } = watching({}, { now: () => time, idleMs: 1000 });
  await cache.current("idle");
  await cache.current("used");
  time = 900;
  await cache.current("used");
  time = 1100;
  await cache.current("new");
  expect(ended).toEqual(["idle"]);
  expect(forgotten).toEqual(["idle"]);
  await cache[Symbol.asyncDispose]();
});

test("the longest unused service makes room for a new one", async () => {
  let time = 0;
  const { cache, ended } = watching({}, { now: () => time++, maxServices: 2 });
  await cache.current("a");
  await cache.current("b");
  await cache.current("a");
  await cache.current("c");
  expect(ended).toEqual(["b"]);
  await cache[Symbol.asyncDispose]();
});

async function* silence(): AsyncGenerator<readonly Instance[]> {
  await new Promise(() => {});
}
