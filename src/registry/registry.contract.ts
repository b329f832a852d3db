/** What every registry must do. */
import { expect, test } from "bun:test";
import type { Instance, Registry } from "./registry.ts";

export interface RegistryContractOptions {
  /** One more registry on the medium of the one that `make` made last, as another process has it. Absent: there is no such thing. */
  readonly other?: () => Promise<Registry>;
  /** Names that it must carry beside ordinary ones, of services and in ids. @default slashes, blanks, colons, letters beyond ASCII */
  readonly oddNames?: readonly string[];
  /** How many instances one registry must carry. @default 200 */
  readonly many?: number;
  /** Its instances have a namespace, so that a name with one means that one alone. @default false */
  readonly namespaced?: boolean;
}

/** @param make a registry on a medium of its own, where nobody else announces anything */
export function registryContract(
  name: string,
  make: () => Promise<Registry>,
  options: RegistryContractOptions = {},
): void {
  const { other, many = 200, namespaced = false } = options;
  const { oddNames = ["team/greeter v2", "topic:a.b", "grüße-挨拶", "%2e..%2f", "__proto__"] } = options;

  const instance = (id: string, service = "greeter"): Instance => ({
    id,
    service,
    version: "1",
    address: "127.0.0.1:1",
    metadata: { a: "b" },
  });
  const ids = (instances: readonly Instance[] | undefined) => (instances ?? []).map(({ id }) => id).sort();
  /** Snapshots of one service; `until` reads on to the one that has these ids. */
  const watching = (registry: Registry, service = "greeter") => {
    const stop = new AbortController();
    const snapshots = registry.watch(service, stop.signal)[Symbol.asyncIterator]();
    return {
      next: () => snapshots.next(),
      async until(...wanted: string[]): Promise<readonly Instance[]> {
        for (;;) {
          const { done, value } = await snapshots.next();
          if (done) throw new Error(`the watch ended before ${wanted.join(", ") || "nothing"} was left`);
          if (Bun.deepEquals(ids(value), wanted.sort())) return value;
        }
      },
      stop: () => stop.abort(),
      async [Symbol.asyncDispose]() {
        stop.abort();
        await snapshots.return?.();
      },
    };
  };

  test(`${name}: a watcher sees the present instances at once, and each that comes and goes`, async () => {
    await using registry = await make();
    const first = await registry.register(instance("one"));
    await using watch = watching(registry);
    expect(ids((await watch.next()).value)).toEqual(["one"]);
    const second = await registry.register(instance("two"));
    await watch.until("one", "two");
    await first[Symbol.asyncDispose]();
    await watch.until("two");
    await second[Symbol.asyncDispose]();
    await watch.until();
    watch.stop();
    expect((await watch.next()).done).toBe(true);
  });

  test(`${name}: a watcher of one service sees no other's instances`, async () => {
    await using registry = await make();
    await using _ = await registry.register(instance("one", "other"));
    await using watch = watching(registry);
    expect(ids((await watch.next()).value)).toEqual([]);
  });

  test(`${name}: a watcher is told when something changed, and else never`, async () => {
    await using registry = await make();
    await using watch = watching(registry);
    expect(ids((await watch.next()).value)).toEqual([]);
    await using _ = await registry.register(instance("one", "other"));
    await using __ = await registry.register(instance("two"));
    expect(ids((await watch.next()).value)).toEqual(["two"]);
  });

  test(`${name}: an aborted watch ends at once`, async () => {
    await using registry = await make();
    const watch = registry.watch("greeter", AbortSignal.abort());
    expect((await watch[Symbol.asyncIterator]().next()).done).toBe(true);
  });

  test(`${name}: watches end without an error when the registry is disposed`, async () => {
    const registry = await make();
    const watches = [watching(registry), watching(registry, "other")];
    for (const watch of watches) await watch.next();
    const ends = watches.map((watch) => watch.next());
    await registry[Symbol.asyncDispose]();
    for (const end of ends) expect((await end).done).toBe(true);
  });

  test(`${name}: an instance registered again under its id replaces the one before`, async () => {
    await using registry = await make();
    const before = await registry.register(instance("one"));
    await using _ = await registry.register({ ...instance("one"), version: "2" });
    await before[Symbol.asyncDispose]();
    await using watch = watching(registry);
    const [only] = await watch.until("one");
    expect(only?.version).toBe("2");
  });

  test(`${name}: two services may have instances of one id`, async () => {
    await using registry = await make();
    await using _ = await registry.register(instance("one"));
    const second = await registry.register(instance("one", "other"));
    await second[Symbol.asyncDispose]();
    await using watch = watching(registry);
    await watch.until("one");
  });

  test(`${name}: an instance arrives as it was announced`, async () => {
    await using registry = await make();
    const told: Instance = {
      ...instance("one"),
      version: "1.2.3-rc.1+build",
      address: "127.0.0.1:7102",
      metadata: { "": "empty", quoted: '"\\\n\u0000', empty: "", größe: "☃", "a.b/c": "x=y,z" },
      endpoints: [
        {
          name: "Greeter.Hello",
          request: {
            name: "HelloRequest",
            type: "HelloRequest",
            values: [{ name: "name", type: "string", values: null }],
          },
          response: null,
          metadata: { stream: "true" },
        },
      ],
    };
    await using _ = await registry.register(told);
    await using watch = watching(registry);
    const [seen] = await watch.until("one");
    expect(seen).toMatchObject({ ...told });
    expect((await registry.list()).find(({ id }) => id === "one")).toMatchObject({ ...told });
  });

  test(`${name}: odd names are told apart and arrive as they are`, async () => {
    await using registry = await make();
    await using announced = new AsyncDisposableStack();
    for (const odd of oddNames) announced.use(await registry.register(instance(`${odd}-1`, odd)));
    for (const odd of oddNames) {
      await using watch = watching(registry, odd);
      const [seen] = await watch.until(`${odd}-1`);
      expect(seen?.service).toBe(odd);
    }
  });

  test(`${name}: a service is found by its whole name first, else by what the name means`, async () => {
    await using registry = await make();
    await using _ = await registry.register(instance("dots", "go.micro.srv.greeter"));
    await using __ = await registry.register(instance("dashes", "go-micro-srv-other"));
    await using whole = watching(registry, "go.micro.srv.greeter");
    await whole.until("dots");
    await using meant = watching(registry, "go.micro.srv.other");
    await meant.until("dashes");
    if (namespaced) return;
    await using ___ = await registry.register(instance("plain"));
    await using spaced = watching(registry, "greeter.team-a");
    await spaced.until("plain");
  });

  test(`${name}: an announcement can be taken back by its instance; one that is not there is no error`, async () => {
    await using registry = await make();
    await using _ = await registry.register(instance("one"));
    await using watch = watching(registry);
    await watch.until("one");
    await registry.deregister(instance("one"));
    await watch.until();
    await registry.deregister(instance("one"));
    await registry.deregister(instance("never", "there"));
  });

  test(`${name}: the list has the instances of all services`, async () => {
    await using registry = await make();
    expect(await registry.list()).toEqual([]);
    await using _ = await registry.register(instance("one"));
    await using __ = await registry.register(instance("two", "other"));
    const listed = (await registry.list()).map(({ id, service }) => `${service} ${id}`).sort();
    expect(listed).toEqual(["greeter one", "other two"]);
  });

  test(`${name}: ${many} instances are seen`, async () => {
    await using registry = await make();
    await using announced = new AsyncDisposableStack();
    const names = Array.from({ length: many }, (_, index) => `greeter-${index}`);
    for (const held of await Promise.all(names.map((id) => registry.register(instance(id)))))
      announced.use(held);
    await using watch = watching(registry);
    await watch.until(...names);
    expect(await registry.list()).toHaveLength(many);
  });

  if (other === undefined) return;

  test(`${name}: another process sees what is announced, changes and goes`, async () => {
    await using registry = await make();
    await using elsewhere = await other();
    await using watch = watching(elsewhere);
    expect(ids((await watch.next()).value)).toEqual([]);
    const first = await registry.register({ ...instance("one"), metadata: { weight: "1" } });
    expect((await watch.until("one"))[0]?.metadata).toEqual({ weight: "1" });
    const again = await registry.register({ ...instance("one"), metadata: { weight: "2" } });
    expect((await watch.until("one"))[0]?.metadata).toEqual({ weight: "2" });
    expect(ids(await elsewhere.list())).toEqual(["one"]);
    await first[Symbol.asyncDispose]();
    await again[Symbol.asyncDispose]();
    await watch.until();
  });

  test(`${name}: what stays behind a process, another one takes back`, async () => {
    const registry = await make();
    await using elsewhere = await other();
    if (!registry.persistent) return await registry[Symbol.asyncDispose]();
    await registry.register(instance("one"));
    await registry[Symbol.asyncDispose]();
    await using watch = watching(elsewhere);
    expect(ids((await watch.next()).value)).toEqual(["one"]);
    await elsewhere.deregister(instance("one"));
    await watch.until();
  });
}
