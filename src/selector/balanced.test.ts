import { expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import { createLog, silentLog } from "../log.ts";
import { memoryRegistry } from "../registry/memory.ts";
import type { Instance, Registry } from "../registry/registry.ts";
import { type BalancedOptions, balancedSelector } from "./balanced.ts";
import { failure, selectorContract } from "./selector.contract.ts";
import type { Selector, Wish } from "./selector.ts";

const strategies = ["random", "roundrobin", "p2c", "hash"] as const;

for (const strategy of strategies) {
  const make = async (addresses: readonly string[]): Promise<Selector> => {
    const { selector } = await known(
      addresses.map((address) => at(address)),
      { strategy },
    );
    return selector;
  };
  selectorContract(strategy, make, { knows: true });
}

const unsent = new MicrorunError("unavailable", "refused", { unsent: true });
const late = new MicrorunError("deadline_exceeded", "too late");

test("round robin takes one after the other, from a start of its own", async () => {
  const { selector, registry } = await known([at("a:1"), at("b:1"), at("c:1")], {
    strategy: "roundrobin",
    random: () => 0.4,
  });
  expect(picks(selector, 6)).toEqual(["c:1", "a:1", "b:1", "c:1", "a:1", "b:1"]);
  await registry.register(at("d:1"));
  await settled();
  expect(new Set(picks(selector, 4)).size).toBe(4);
});

test("random takes all", async () => {
  const { selector } = await known([at("a:1"), at("b:1"), at("c:1")], { strategy: "random" });
  expect(new Set(picks(selector, 200)).size).toBe(3);
});

test("p2c leaves a busy instance to itself", async () => {
  const { selector } = await known([at("a:1"), at("b:1")], { strategy: "p2c" });
  // nothing is reported: each pick stays in flight
  const counts = tally(picks(selector, 100));
  expect(counts).toEqual({ "a:1": 50, "b:1": 50 });
});

test("p2c prefers the faster instance, and tries the slow one again when its slowness has faded", async () => {
  const { selector, clock } = await known([at("fast:1"), at("slow:1")], { strategy: "p2c" });
  const call = (): string => {
    const address = selector.pick("greeter") as string;
    const ms = address === "slow:1" ? 100 : 1;
    clock.ms += ms;
    selector.report?.(address, undefined, ms);
    return address;
  };
  const first = Array.from({ length: 200 }, call);
  expect(tally(first)["slow:1"] ?? 0).toBeLessThanOrEqual(2);
  clock.ms += 100_000;
  expect(Array.from({ length: 50 }, call)).toContain("slow:1");
});

test("p2c begins a new instance as fast as the others are, so that it is not flooded", async () => {
  const { selector, registry } = await known([at("a:1"), at("b:1"), at("c:1")], { strategy: "p2c" });
  for (let calls = 0; calls < 300; calls++)
    selector.report?.(selector.pick("greeter") as string, undefined, 20);
  await registry.register(at("new:1"));
  await settled();
  // in flight all of them: with a latency of 0 the new one would get nearly every call
  expect(tally(picks(selector, 100))["new:1"]).toBeLessThanOrEqual(30);
});

test("an instance that fails fast does not look fast", async () => {
  const { selector } = await known([at("good:1"), at("bad:1")], { strategy: "p2c" });
  const broken = new MicrorunError("internal", "internal error");
  let bad = 0;
  for (let calls = 0; calls < 400; calls++) {
    const address = selector.pick("greeter") as string;
    if (address === "bad:1") bad++;
    selector.report?.(address, address === "bad:1" ? broken : undefined, address === "bad:1" ? 0.1 : 5);
  }
  expect(bad).toBeLessThanOrEqual(250);
});

test("hash gives a key one instance, and only the share of one that goes moves", async () => {
  const all = Array.from({ length: 10 }, (_, n) => at(`10.0.0.${n}:1`));
  const { selector, registry } = await known(all, { strategy: "hash", key: "x-user" });
  const other = (await known(all.toReversed(), { strategy: "hash", key: "x-user" })).selector;
  const where = (from: Selector) =>
    Array.from(
      { length: 1000 },
      (_, n) => from.pick("greeter", { call: new Headers({ "x-user": `user-${n}` }) }) as string,
    );
  const before = where(selector);
  expect(where(selector)).toEqual(before);
  expect(where(other)).toEqual(before);
  const shares = Object.values(tally(before));
  expect(shares).toHaveLength(10);
  expect(Math.min(...shares)).toBeGreaterThan(50);
  await registry.deregister(all[3]!);
  await settled();
  const after = where(selector);
  for (const [n, address] of after.entries())
    if (before[n] !== "10.0.0.3:1") expect(address).toBe(before[n]!);
  expect(after).not.toContain("10.0.0.3:1");
});

test("hash sends a key elsewhere while its instance is set aside or failed the call already, and back again", async () => {
  const { selector, clock } = await known([at("a:1"), at("b:1"), at("c:1")], { strategy: "hash", key: "k" });
  const call = new Headers({ k: "some" });
  const [own] = picks(selector, 1, { call });
  const [next] = picks(selector, 1, { call, except: new Set([own!]) });
  expect(next).not.toBe(own!);
  selector.report?.(own!, unsent, 0);
  expect(new Set(picks(selector, 10, { call }))).toEqual(new Set([next!]));
  clock.ms += 1000;
  expect(picks(selector, 1, { call })).toEqual([own!]);
  selector.report?.(own!, undefined, 0);
  expect(new Set(picks(selector, 10, { call }))).toEqual(new Set([own!]));
});

test("hash without the key takes any", async () => {
  const { selector } = await known([at("a:1"), at("b:1")], { strategy: "hash", key: "x-user" });
  expect(new Set(picks(selector, 100, { call: new Headers() })).size).toBe(2);
  expect(new Set(picks(selector, 100)).size).toBe(2);
});

test("version and metadata narrow the choice", async () => {
  const { selector } = await known([
    at("a:1", { version: "1" }),
    at("b:1", { version: "2", metadata: { region: "eu" } }),
    at("c:1", { version: "2", metadata: { region: "us" } }),
  ]);
  expect(new Set(picks(selector, 50, { version: "1" }))).toEqual(new Set(["a:1"]));
  expect(new Set(picks(selector, 50, { version: "2" }))).toEqual(new Set(["b:1", "c:1"]));
  expect(new Set(picks(selector, 50, { metadata: { region: "eu" } }))).toEqual(new Set(["b:1"]));
  expect((await failure(() => selector.pick("greeter", { version: "3" }))).message).toBe(
    "service greeter: no instance of version 3: there are 1, 2",
  );
  const where = { metadata: { region: "ap" }, version: "2" };
  expect((await failure(() => selector.pick("greeter", where))).message).toBe(
    "service greeter: no instance has region=ap: there are region=eu, region=us",
  );
});

test("an instance is called where it speaks the protocol, and not at all if it speaks only another", async () => {
  const { selector } = await known([
    at("plain:1"),
    at("grpc:1", { metadata: { protocol: "grpc" } }),
    at("tls:1", { metadata: { protocol: "grpcs" } }),
    at("mucp:1", { metadata: { protocol: "mucp" } }),
    at("both:1", { metadata: { protocol: "http" }, protocols: { grpc: "both:2", http: "both:1" } }),
    at("web:1", { protocols: { http: "web:1" } }),
  ]);
  expect(new Set(picks(selector, 200))).toEqual(new Set(["plain:1", "grpc:1", "tls:1", "both:2"]));
  expect(new Set(picks(selector, 200, { protocol: "http" }))).toEqual(new Set(["both:1", "web:1"]));
  const { selector: old } = await known([at("a:1", { metadata: { protocol: "mucp" } })]);
  expect((await failure(() => old.pick("greeter"))).message).toBe(
    "service greeter: no instance speaks grpc: there is mucp",
  );
});

test("near instances come first, by the hints, the zone, or the metadata's", async () => {
  const { selector } = await known(
    [
      at("hinted:1", { zone: "b", forZones: ["a"] }),
      at("zoned:1", { zone: "a" }),
      at("told:1", { metadata: { zone: "a" } }),
      at("away:1", { zone: "a", forZones: ["b"] }),
      at("far:1", { zone: "b" }),
      at("nowhere:1"),
    ],
    { zone: "a", strategy: "roundrobin" },
  );
  const near = ["hinted:1", "told:1", "zoned:1"];
  expect([...new Set(picks(selector, 30))].sort()).toEqual(near);
  for (const address of near) selector.report?.(address, unsent, 1);
  const far = new Set(picks(selector, 30));
  expect([...far].sort()).toEqual(["away:1", "far:1", "nowhere:1"]);
});

test("the zone is the registry's where none is given, also when it learns it late", async () => {
  let zone: string | undefined;
  const registry: Registry = { ...memoryRegistry(), zone: () => zone };
  const { selector } = await known([at("a:1", { zone: "a" }), at("b:1", { zone: "b" })], { registry });
  expect(new Set(picks(selector, 10)).size).toBe(2);
  zone = "b";
  expect(new Set(picks(selector, 10))).toEqual(new Set(["b:1"]));
});

test("calls spill over to another zone when the near instances are overloaded", async () => {
  const { selector } = await known([at("near:1", { zone: "a" }), at("far:1", { zone: "b" })], { zone: "a" });
  expect(tally(picks(selector, 32))).toEqual({ "near:1": 32 });
  const more = tally(picks(selector, 60));
  expect(more["far:1"]).toBeGreaterThan(15);
  // not as long as the one afar is half as busy
  expect(more["far:1"]).toBeLessThan(40);
  // what went well makes room again
  for (let calls = 0; calls < 100; calls++) selector.report?.("near:1", undefined, 1);
  expect(selector.pick("greeter")).toBe("near:1");
});

test("an instance set aside is tried by one call when its time is over, and taken back when that goes well", async () => {
  const { selector, clock } = await known([at("a:1"), at("b:1")], { strategy: "roundrobin" });
  selector.report?.("a:1", unsent, 0);
  expect(tally(picks(selector, 10))).toEqual({ "b:1": 10 });
  clock.ms += 1000;
  expect(tally(picks(selector, 10))).toEqual({ "a:1": 1, "b:1": 9 });
  selector.report?.("a:1", undefined, 0);
  expect(tally(picks(selector, 10))).toEqual({ "a:1": 5, "b:1": 5 });
});

test("an instance that fails again is set aside for twice as long, at most 30 s", async () => {
  const { selector, clock } = await known([at("a:1"), at("b:1")], {
    strategy: "roundrobin",
    random: () => 0,
  });
  const isBack = () => picks(selector, 4).includes("a:1");
  selector.report?.("a:1", unsent, 0);
  for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
    clock.ms += seconds * 1000 - 1;
    expect(isBack(), `before ${seconds} s`).toBe(false);
    clock.ms += 1;
    expect(isBack(), `after ${seconds} s`).toBe(true);
    selector.report?.("a:1", unsent, 0);
  }
});

test("the end of a connection with many calls is one failure", async () => {
  const { selector, clock } = await known([at("a:1"), at("b:1")], { strategy: "roundrobin" });
  for (let calls = 0; calls < 50; calls++) selector.report?.("a:1", unsent, 0);
  clock.ms += 1000;
  expect(picks(selector, 4)).toContain("a:1");
});

test("a call that began before the instance failed does not take it back", async () => {
  const { selector, clock } = await known([at("a:1"), at("b:1")], { strategy: "roundrobin" });
  clock.ms += 100;
  selector.report?.("a:1", unsent, 1);
  clock.ms += 10;
  selector.report?.("a:1", undefined, 50);
  expect(picks(selector, 4)).not.toContain("a:1");
});

test("a try whose end is never told is followed by another", async () => {
  const { selector, clock } = await known([at("a:1"), at("b:1")], { strategy: "roundrobin" });
  selector.report?.("a:1", unsent, 0);
  clock.ms += 1000;
  expect(tally(picks(selector, 10))["a:1"]).toBe(1);
  clock.ms += 30_000;
  expect(tally(picks(selector, 10))["a:1"]).toBe(1);
});

test("one call that ran out of time sets nothing aside, three in a row do", async () => {
  const { selector } = await known([at("a:1"), at("b:1")], { strategy: "roundrobin" });
  const told = (errors: readonly unknown[]) => {
    for (const error of errors) selector.report?.("a:1", error, 0);
    return picks(selector, 4).includes("a:1");
  };
  expect(told([late, late])).toBe(true);
  expect(told([undefined, late, late])).toBe(true);
  expect(told([late])).toBe(false);
});

test("errors of the application, and calls that the caller ended, set nothing aside", async () => {
  const { selector } = await known([at("a:1"), at("b:1")], { strategy: "roundrobin" });
  const answers = ["not_found", "internal", "unknown", "resource_exhausted", "cancelled"] as const;
  for (const code of answers)
    for (let calls = 0; calls < 10; calls++) selector.report?.("a:1", new MicrorunError(code, "no"), 0);
  expect(picks(selector, 4)).toContain("a:1");
});

test("another process at the same address begins afresh", async () => {
  const { selector, registry } = await known([at("a:1"), at("b:1")], { strategy: "roundrobin" });
  selector.report?.("a:1", unsent, 0);
  await registry.register({ ...at("c:1"), id: "c" });
  await settled();
  expect(picks(selector, 6)).not.toContain("a:1");
  await registry.deregister(at("a:1"));
  await registry.register({ ...at("a:1"), id: "restarted" });
  await settled();
  expect(picks(selector, 6)).toContain("a:1");
});

test("a service that is watched no longer is forgotten, and what its instances did", async () => {
  const { selector } = await known([at("a:1"), at("b:1")], {
    strategy: "roundrobin",
    cache: { maxServices: 1 },
  });
  selector.report?.("a:1", unsent, 0);
  expect(picks(selector, 4)).not.toContain("a:1");
  await failure(() => selector.pick("other"));
  await selector.pick("greeter");
  expect(picks(selector, 4)).toContain("a:1");
});

test("more reports than picks make no instance look idler than idle", async () => {
  const { selector } = await known([at("a:1"), at("b:1")], { strategy: "p2c" });
  const cancelled = new MicrorunError("cancelled", "by the caller");
  for (let calls = 0; calls < 20; calls++) selector.report?.("a:1", cancelled, 1);
  expect(tally(picks(selector, 100))).toEqual({ "a:1": 50, "b:1": 50 });
});

test("an instance set aside, and taken back, is a line in the log", async () => {
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line) });
  const { selector } = await known([at("a:1"), at("b:1")], { log });
  for (let calls = 0; calls < 5; calls++) selector.report?.("a:1", unsent, 0);
  selector.report?.("a:1", undefined, 0);
  expect(lines.map((line) => /(update instances|set aside|taken back).*a:1/.exec(line)?.[1])).toEqual([
    "update instances",
    "set aside",
    "taken back",
  ]);
});

test("a service unknown to a registry that cannot be reached says since when", async () => {
  const registry: Registry = { ...memoryRegistry(), staleSince: () => Date.now() - 12_000 };
  const { selector } = await known([], { registry });
  expect((await failure(() => selector.pick("greeter"))).message).toBe(
    "service greeter: no instance known: the memory registry has not been reached for 12 s",
  );
});

test("a service unknown to a registry that answers with a refusal says what is refused", async () => {
  const trouble = (service?: string) => `may not list ${service}`;
  const registry: Registry = { ...memoryRegistry(), staleSince: () => Date.now(), trouble };
  const { selector } = await known([], { registry });
  expect((await failure(() => selector.pick("greeter"))).message).toBe(
    "service greeter: no instance known: the memory registry may not list greeter",
  );
});

test("a host without a port cannot be called through a registry", async () => {
  const { selector } = await known([]);
  expect((await failure(() => selector.pick("10.0.0.1"))).message).toContain("a host needs its port");
});

function at(address: string, more: Partial<Instance> = {}): Instance {
  return { id: `greeter-${address}`, service: "greeter", version: "1", address, metadata: {}, ...more };
}

/** A selector that knows the instances already, with a clock that only the test moves, and chance that repeats itself. */
async function known(instances: readonly Instance[], options: Partial<BalancedOptions> = {}) {
  const registry = options.registry ?? memoryRegistry();
  const clock = { ms: 1000 };
  for (const one of instances) await registry.register(one);
  const selector = balancedSelector({
    strategy: "p2c",
    log: silentLog,
    now: () => clock.ms,
    random: seeded(),
    ...options,
    registry,
  });
  await Promise.resolve(selector.pick("greeter")).then(
    (address) => selector.report?.(address, new MicrorunError("cancelled", "the test's own"), 0),
    () => {},
  );
  return { selector, registry, clock };
}

/** mulberry32. */
function seeded(): () => number {
  let state = 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function picks(selector: Selector, count: number, wish?: Wish): string[] {
  return Array.from({ length: count }, () => selector.pick("greeter", wish) as string);
}

function tally(addresses: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const address of addresses) counts[address] = (counts[address] ?? 0) + 1;
  return counts;
}

/** What was set off has come to its end. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("p2c gives equal instances their share of calls made one after the other, whichever was connected to first", async () => {
  const { selector, clock } = await known([at("a:1"), at("b:1")], { strategy: "p2c" });
  const connected = new Set<string>();
  const call = (turn: number): string => {
    const address = selector.pick("greeter") as string;
    const connecting = !connected.has(address);
    connected.add(address);
    // equal, but for a noise of a fifth, and that one is further away to connect to
    const ms = 5 + (turn % 3) * 0.5 + (connecting && address === "a:1" ? 40 : 0);
    clock.ms += ms;
    selector.report?.(address, undefined, ms, connecting);
    return address;
  };
  const counts = tally(Array.from({ length: 200 }, (_, turn) => call(turn)));
  expect(counts["a:1"]).toBeGreaterThan(60);
  expect(counts["b:1"]).toBeGreaterThan(60);
});

test("what can be no name is refused, and a host without its port with the way out", async () => {
  const { selector } = await known([at("a:1")]);
  for (const name of ["", "a b", "a\nb"])
    expect(await failure(() => selector.pick(name))).toMatchObject({ code: "invalid_argument" });
  expect(await failure(() => selector.pick("127.0.0.1"))).toMatchObject({
    code: "invalid_argument",
    hint: "write 127.0.0.1:8080",
  });
});
