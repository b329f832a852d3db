/** What every registry must do. */
import { expect, test } from "bun:test";
import type { Instance, Registry } from "./registry.ts";

export function registryContract(name: string, make: () => Promise<Registry>): void {
  const instance = (id: string, service = "greeter"): Instance => ({
    id,
    service,
    version: "1",
    address: "127.0.0.1:1",
    metadata: { a: "b" },
  });
  const ids = (instances: readonly Instance[] | undefined) => (instances ?? []).map(({ id }) => id).sort();

  test(`${name}: a watcher sees the present instances at once, and each that comes and goes`, async () => {
    const registry = await make();
    const first = await registry.register(instance("one"));
    const stop = new AbortController();
    const snapshots = registry.watch("greeter", stop.signal)[Symbol.asyncIterator]();
    expect(ids((await snapshots.next()).value)).toEqual(["one"]);
    const second = await registry.register(instance("two"));
    expect(ids((await snapshots.next()).value)).toEqual(["one", "two"]);
    await first[Symbol.asyncDispose]();
    expect(ids((await snapshots.next()).value)).toEqual(["two"]);
    await second[Symbol.asyncDispose]();
    expect(ids((await snapshots.next()).value)).toEqual([]);
    stop.abort();
    expect((await snapshots.next()).done).toBe(true);
  });

  test(`${name}: a watcher of one service sees no other's instances`, async () => {
    const registry = await make();
    await using _ = await registry.register(instance("one", "other"));
    const stop = new AbortController();
    const snapshots = registry.watch("greeter", stop.signal)[Symbol.asyncIterator]();
    expect(ids((await snapshots.next()).value)).toEqual([]);
    stop.abort();
  });

  test(`${name}: an aborted watch ends at once`, async () => {
    const registry = await make();
    expect((await registry.watch("greeter", AbortSignal.abort())[Symbol.asyncIterator]().next()).done).toBe(
      true,
    );
  });

  test(`${name}: an instance registered again under its id replaces the one before`, async () => {
    const registry = await make();
    const before = await registry.register(instance("one"));
    await using _ = await registry.register({ ...instance("one"), version: "2" });
    await before[Symbol.asyncDispose]();
    const stop = new AbortController();
    const { value } = await registry.watch("greeter", stop.signal)[Symbol.asyncIterator]().next();
    expect((value ?? []).map(({ version }: Instance) => version)).toEqual(["2"]);
    stop.abort();
  });
}
