import { afterEach, expect, test } from "bun:test";
import { type Dispatch, jsonMethod } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { silentLog } from "../log.ts";
import type { Selector, Wish } from "../selector/selector.ts";
import { composeService } from "../service/compose.ts";
import { memoryTransport } from "../transport/memory.ts";
import { createClient } from "./calls.ts";
import type { CallOptions } from "./client.ts";
import { createPool } from "./pool.ts";

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one[Symbol.asyncDispose]();
});

interface Report {
  address: string;
  error: unknown;
}

/** Takes the first of `addresses` that has not failed; writes down what it is told. */
function listSelector(addresses: readonly string[]) {
  const reports: Report[] = [];
  const wishes: Wish[] = [];
  const selector: Selector = {
    name: "list",
    pick(_, wish = {}) {
      wishes.push(wish);
      if (addresses.length === 0) throw new MicrorunError("unavailable", "no instance");
      return addresses.find((one) => !wish.except?.has(one)) ?? addresses[0]!;
    },
    report: (address, error) => void reports.push({ address, error }),
    async [Symbol.asyncDispose]() {},
  };
  return { selector, reports, wishes };
}

const endpoints = [
  jsonMethod("Greeter", "Hello"),
  jsonMethod("Greeter", "Upload", { requestStream: true }),
  jsonMethod("Greeter", "Count", { responseStream: true }),
].map((method) => ({ method, handler: () => ({}), internal: false }));

/** Instances by address with what they answer; at addresses that are not among them nobody listens. */
async function mesh(
  addresses: readonly string[],
  instances: Record<string, Dispatch>,
  options: { retries?: number } = {},
) {
  const transport = memoryTransport();
  const calls: string[] = [];
  for (const [address, dispatch] of Object.entries(instances)) {
    const identity = { name: "greeter", version: "1", id: address, metadata: {} };
    const service = composeService(identity, [{ endpoints, schemas: [] }]);
    const counted: Dispatch = (call) => {
      calls.push(address);
      return dispatch(call);
    };
    opened.push(await transport.listen(service, counted, { address, log: silentLog, drainTimeoutMs: 10 }));
  }
  const { selector, reports, wishes } = listSelector(addresses);
  const pool = createPool(transport);
  opened.push(pool);
  const client = createClient({ selector, pool, from: "tester", retries: 1, ...options });
  const call = (how: CallOptions = {}) => client.call("greeter", "Greeter.Hello", {}, how).catch((e) => e);
  return { client, call, calls, reports, wishes };
}

const good: Dispatch = async () => ({ good: true });
const down: Dispatch = async () => {
  throw new MicrorunError("unavailable", "draining");
};

test("a call that never reached its instance is made on another one, and each is told of", async () => {
  const { call, reports, wishes } = await mesh(["gone:1", "b:1"], { "b:1": good });
  expect(await call()).toEqual({ good: true });
  expect(reports).toEqual([
    { address: "gone:1", error: expect.objectContaining({ code: "unavailable", unsent: true }) },
    { address: "b:1", error: undefined },
  ]);
  expect([...(wishes[1]?.except ?? [])]).toEqual(["gone:1"]);
});

test("a call that reached its instance is made again only where it is idempotent and the instance unavailable", async () => {
  const { call, calls } = await mesh(["a:1", "b:1"], { "a:1": down, "b:1": good });
  expect(await call()).toMatchObject({ code: "unavailable", message: "draining" });
  expect(calls).toEqual(["a:1"]);
  expect(await call({ idempotent: true })).toEqual({ good: true });
  expect(calls).toEqual(["a:1", "a:1", "b:1"]);
  const type = { ...jsonMethod("greeter.Greeter", "Hello"), idempotent: true };
  expect(await call({ type })).toEqual({ good: true });
  expect(await call({ type, idempotent: false })).toMatchObject({ code: "unavailable" });
});

test("an error that another instance would give too is not asked for twice", async () => {
  const missing: Dispatch = async () => {
    throw new MicrorunError("not_found", "no user 7");
  };
  const { call, calls } = await mesh(["a:1", "b:1"], { "a:1": missing, "b:1": good });
  expect(await call({ idempotent: true })).toMatchObject({ code: "not_found" });
  expect(calls).toEqual(["a:1"]);
});

test("retries end at their number, with the error of the last try", async () => {
  const { call, reports } = await mesh(
    ["gone:1", "gone:2", "gone:3", "b:1"],
    { "b:1": good },
    { retries: 2 },
  );
  expect(await call()).toMatchObject({ code: "unavailable", message: "gone:3: nobody listens there" });
  expect(reports.map(({ address }) => address)).toEqual(["gone:1", "gone:2", "gone:3"]);
});

test("retries end with the budget, so that an outage is not multiplied", async () => {
  const { call, reports } = await mesh(["gone:1", "gone:2"], {}, { retries: 1 });
  const count = 100;
  await Promise.all(Array.from({ length: count }, () => call()));
  expect(reports.length).toBeGreaterThan(count);
  expect(reports.length).toBeLessThan(count * 1.5);
});

test("no try begins after the deadline", async () => {
  const { call, reports } = await mesh(["gone:1"], {}, { retries: 100 });
  const before = Date.now();
  expect((await call({ timeoutMs: 30 })).code).toBe("unavailable");
  const tries = reports.length;
  expect(Date.now() - before).toBeLessThan(1000);
  await Bun.sleep(60);
  expect(reports.length).toBe(tries);
});

test("an abort ends the wait between two tries, and no other begins", async () => {
  const gone = new AbortController();
  const { call, reports } = await mesh(["gone:1"], {}, { retries: 9 });
  const ended = call({ signal: gone.signal, timeoutMs: 60_000 });
  while (reports.length < 2) await Bun.sleep(1);
  gone.abort();
  expect((await ended).code).toBe("cancelled");
  // the instance picked for the try that was not made is told of, too
  expect(reports.at(-1)).toMatchObject({ address: "gone:1", error: { code: "cancelled" } });
});

test("without any instance nothing is told, and the selector's reason is the caller's", async () => {
  const { call, reports } = await mesh([], {});
  expect(await call()).toMatchObject({ code: "unavailable", message: "no instance" });
  expect(reports).toEqual([]);
});

test("a caller's cancel says nothing against the instance, a deadline does", async () => {
  const { call, reports } = await mesh(["a:1"], { "a:1": () => new Promise(() => {}) });
  const gone = new AbortController();
  const ended = call({ signal: gone.signal });
  await Promise.resolve();
  gone.abort();
  await ended;
  await call({ timeoutMs: 10 });
  expect(reports).toEqual([
    { address: "a:1", error: expect.objectContaining({ code: "cancelled" }) },
    { address: "a:1", error: expect.objectContaining({ code: "deadline_exceeded" }) },
  ]);
});

test("a call to a given address is tried again there, and no selector is asked", async () => {
  const { call, calls, wishes, reports } = await mesh([], { "a:1": down });
  expect((await call({ address: "a:1", idempotent: true })).message).toBe("draining");
  expect(calls).toEqual(["a:1", "a:1"]);
  expect([...wishes, ...reports]).toEqual([]);
});

test("the selector learns what is wished for", async () => {
  const { call, wishes } = await mesh(["b:1"], { "b:1": good });
  await call({ version: "2", where: { region: "eu" }, metadata: { "x-user": "7" } });
  expect(wishes[0]).toMatchObject({ version: "2", metadata: { region: "eu" } });
  expect(wishes[0]?.call?.get("x-user")).toBe("7");
});

async function* numbers(count: number, taken: number[] = []) {
  for (let n = 0; n < count; n++) {
    taken.push(n);
    yield { n };
  }
}
const upload = { type: jsonMethod("greeter.Greeter", "Upload", { requestStream: true }) };

test("a stream of requests goes whole to another instance when it never reached the first", async () => {
  const seen: unknown[] = [];
  const { client } = await mesh(["gone:1", "b:1"], {
    "b:1": async (call) => {
      for await (const one of call.request as AsyncIterable<unknown>) seen.push(one);
      return {};
    },
  });
  await client.call("greeter", "Greeter.Upload", numbers(3), upload);
  expect(seen).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
});

test("a stream of requests that an instance has begun to read is not repeated", async () => {
  const { client, calls } = await mesh(["a:1", "b:1"], { "a:1": down, "b:1": good });
  const how = { ...upload, idempotent: true };
  const ended = client.call("greeter", "Greeter.Upload", numbers(3), how);
  expect((await ended.catch((thrown) => thrown)).code).toBe("unavailable");
  expect(calls).toEqual(["a:1"]);
});

test("a stream of replies is begun elsewhere before its first message, never after it", async () => {
  const { client, calls, reports } = await mesh(["gone:1", "a:1", "b:1"], {
    "a:1": async () =>
      (async function* () {
        yield { n: 0 };
        throw new MicrorunError("unavailable", "draining");
      })(),
    "b:1": good,
  });
  const seen: unknown[] = [];
  const read = async () => {
    for await (const one of client.stream("greeter", "Greeter.Count", {}, { idempotent: true }))
      seen.push(one);
  };
  expect((await read().catch((thrown) => thrown)).message).toBe("draining");
  expect(seen).toEqual([{ n: 0 }]);
  expect(calls).toEqual(["a:1"]);
  expect(reports.map(({ address, error }) => [address, (error as MicrorunError)?.code])).toEqual([
    ["gone:1", "unavailable"],
    ["a:1", "unavailable"],
  ]);
});

test("a stream that its reader leaves is told of once, as well", async () => {
  let stopped = false;
  const { client, reports } = await mesh(["a:1"], {
    "a:1": async () =>
      (async function* () {
        try {
          for (let n = 0; ; n++) yield { n };
        } finally {
          stopped = true;
        }
      })(),
  });
  for await (const _ of client.stream("greeter", "Greeter.Count")) break;
  expect(reports).toEqual([{ address: "a:1", error: undefined }]);
  await Bun.sleep(0);
  expect(stopped).toBe(true);
});

test("what the caller's own requests throw is the caller's error, and no instance is blamed or tried again", async () => {
  const takesAll: Dispatch = async ({ request }) => {
    for await (const _ of request as AsyncIterable<unknown>);
    return {};
  };
  const { client, calls, reports } = await mesh(["a:1", "b:1"], { "a:1": takesAll, "b:1": takesAll });
  const thrown = new MicrorunError("unavailable", "the other side is away", { unsent: true });
  async function* failing() {
    yield { n: 0 };
    throw thrown;
  }
  expect(await client.call("greeter", "Greeter.Upload", failing(), upload).catch((error) => error)).toBe(
    thrown,
  );
  expect(calls).toEqual(["a:1"]);
  expect(reports).toEqual([{ address: "a:1", error: expect.objectContaining({ code: "cancelled" }) }]);
  async function* broken() {
    yield await Promise.reject(new Error("disk full"));
  }
  const error = await client.call("greeter", "Greeter.Upload", broken(), upload).catch((caught) => caught);
  expect(error).toBeInstanceOf(MicrorunError);
  expect(error).toMatchObject({
    message: "disk full",
    cause: expect.objectContaining({ message: "disk full" }),
  });
});

test("a call says whether it may have waited for its connection", async () => {
  const told: (boolean | undefined)[] = [];
  const transport = memoryTransport();
  const identity = { name: "greeter", version: "1", id: "a", metadata: {} };
  const service = composeService(identity, [{ endpoints, schemas: [] }]);
  let answer: Dispatch = good;
  opened.push(
    await transport.listen(service, (call) => answer(call), {
      address: "a:1",
      log: silentLog,
      drainTimeoutMs: 10,
    }),
  );
  const selector: Selector = {
    name: "one",
    pick: () => "a:1",
    report: (_address, _error, _ms, connecting) => void told.push(connecting),
    async [Symbol.asyncDispose]() {},
  };
  const pool = createPool(transport);
  opened.push(pool);
  const client = createClient({ selector, pool, from: "tester", retries: 0 });
  const call = (how?: CallOptions) => client.call("greeter", "Greeter.Hello", {}, how).catch((e) => e);
  await Promise.all([call(), call()]);
  await call();
  answer = async () => {
    throw new MicrorunError("not_found", "no user 7");
  };
  await call();
  expect(told).toEqual([true, true, false, false]);
});
