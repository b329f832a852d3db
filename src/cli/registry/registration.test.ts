import { expect, test } from "bun:test";
import { memoryRegistry } from "../../registry/memory.ts";
import { announce, callable, definition } from "./registration.ts";

const db = '{"name":"db","version":"1","nodes":[{"id":"db-1","address":"10.0.0.5:9090"}]}';

const version = (name: string, number: string, ...addresses: string[]) => ({
  name,
  version: number,
  nodes: addresses.map((address) => ({ id: address, address })),
});

test("Go Micro's JSON is what is announced, alone or in the list that get prints", () => {
  const [instance] = definition("register", db);
  expect(instance).toMatchObject({ service: "db", version: "1", id: "db-1", address: "10.0.0.5:9090" });
  expect(definition("register", `[${db}]`)).toEqual([instance!]);
});

test("all versions of one service may be announced at once, two services may not", () => {
  const list = [version("db", "1", "a:1"), version("db", "2", "b:2", "c:3")];
  const found = definition("register", JSON.stringify(list));
  expect(found.map((one) => [one.version, one.address])).toEqual([
    ["1", "a:1"],
    ["2", "b:2"],
    ["2", "c:3"],
  ]);
  const two = JSON.stringify([version("db", "1", "a:1"), version("cache", "1", "b:2")]);
  expect(() => definition("deregister", two)).toThrow(
    expect.objectContaining({
      code: "invalid_argument",
      message: "deregister: db and cache are two services",
      hint: "call microrun deregister once for each",
    }),
  );
});

test.each([
  ["10.0.0.5", 'address "10.0.0.5": the port is missing', "write 10.0.0.5:8080"],
  ["::1", 'address "::1": the port is missing', "write [::1]:8080"],
  ["db:70000", 'address "db:70000": 70000 is not a port', "use a port from 0 to 65535; 0 takes any free one"],
  ["db:0", "nobody is at port 0", "name the port that it listens on"],
])("a node at %s is not announced, but may be taken back", (address, why, hint) => {
  const nodes = definition("deregister", JSON.stringify(version("db", "1", "db:1", address)));
  expect(() => callable(nodes)).toThrow(
    expect.objectContaining({
      code: "invalid_argument",
      message: `register: node ${address}: ${why}`,
      hint,
    }),
  );
});

test("a node may be on a unix socket, or on a port of the Pod that tells of it", () => {
  const nodes = definition(
    "register",
    JSON.stringify(version("db", "1", "unix:/run/db", ":9090", "[::1]:1")),
  );
  expect(callable(nodes)).toEqual(nodes);
});

test("in a registry that forgets with the process an announcement lasts until the command is stopped", async () => {
  const registry = memoryRegistry();
  const stop = new AbortController();
  const done = announce(registry, definition("register", db), {
    signal: stop.signal,
    refused: () => false,
  });
  for await (const instances of registry.watch("db", AbortSignal.timeout(5000)))
    if (instances.length === 1) break;
  stop.abort();
  expect(await done).toBe(0);
  expect(await registry.list()).toEqual([]);
});

test("in one that keeps it, it stays", async () => {
  const registry = { ...memoryRegistry(), persistent: true };
  const options = { signal: new AbortController().signal, refused: () => false };
  expect(await announce(registry, definition("register", db), options)).toBe(0);
  expect(await registry.list()).toHaveLength(1);
});

test("what the registry refuses is taken back and ends with 1", async () => {
  const registry = { ...memoryRegistry(), persistent: true };
  const options = { signal: new AbortController().signal, refused: () => true };
  expect(await announce(registry, definition("register", db), options)).toBe(1);
  expect(await registry.list()).toEqual([]);
});
