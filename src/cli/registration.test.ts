import { expect, test } from "bun:test";
import { memoryRegistry } from "../registry/memory.ts";
import { announce, definition } from "./registration.ts";

const db = '{"name":"db","version":"1","nodes":[{"id":"db-1","address":"10.0.0.5:9090"}]}';

test("Go Micro's JSON, with or without the word service, is what is announced", () => {
  const [instance] = definition("register", [db]);
  expect(instance).toMatchObject({ service: "db", version: "1", id: "db-1", address: "10.0.0.5:9090" });
  expect(definition("register", ["service", db])).toEqual([instance!]);
});

test("in a registry that forgets with the process an announcement lasts until the command is stopped", async () => {
  const registry = memoryRegistry();
  const stop = new AbortController();
  const done = announce(registry, definition("register", [db]), {
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
  expect(await announce(registry, definition("register", [db]), options)).toBe(0);
  expect(await registry.list()).toHaveLength(1);
});

test("what the registry refuses is taken back and ends with 1", async () => {
  const registry = { ...memoryRegistry(), persistent: true };
  const options = { signal: new AbortController().signal, refused: () => true };
  expect(await announce(registry, definition("register", [db]), options)).toBe(1);
  expect(await registry.list()).toEqual([]);
});
