import { expect, test } from "bun:test";
import { memoryRegistry } from "../../registry/memory.ts";
import type { Instance } from "../../registry/registry.ts";
import { type Change, changeJson, changes, changeText } from "./watch.ts";

const one: Instance = { id: "g-1", service: "g", version: "1", address: "10.0.0.1:80", metadata: {} };

test("a watch tells who came, changed and went, and nothing of what stayed", async () => {
  const registry = memoryRegistry();
  const stop = new AbortController();
  const told = changes(registry.watch("g", stop.signal));
  const next = async (): Promise<string> => {
    const { value } = (await told.next()) as { value: Change };
    return `${value.action} ${value.instance.id} ${value.instance.address}`;
  };
  await registry.register(one);
  expect(await next()).toBe("create g-1 10.0.0.1:80");
  const two = await registry.register({ ...one, id: "g-2" });
  expect(await next()).toBe("create g-2 10.0.0.1:80");
  await registry.register({ ...one, address: "10.0.0.9:80" });
  expect(await next()).toBe("update g-1 10.0.0.9:80");
  await two[Symbol.asyncDispose]();
  expect(await next()).toBe("delete g-2 10.0.0.1:80");
  stop.abort();
  expect((await told.next()).done).toBe(true);
});

test("instances of the same id in two namespaces are two", async () => {
  const both = ["a", "b"].map((namespace) => ({ ...one, namespace }));
  async function* snapshots() {
    yield both;
    yield both.slice(1);
  }
  const told = await Array.fromAsync(changes(snapshots()));
  expect(told.map(({ action, instance }) => `${action} ${instance.namespace}`)).toEqual([
    "create a",
    "create b",
    "delete a",
  ]);
});

test("a change is one line, of text or of JSON", () => {
  const change: Change = { action: "create", instance: one };
  expect(changeText(change, new Date(0))).toBe("1970-01-01T00:00:00.000Z\tcreate\tg-1\t10.0.0.1:80\t1\n");
  const json = changeJson(change);
  expect(json.trimEnd()).not.toContain("\n");
  expect(JSON.parse(json)).toMatchObject({
    action: "create",
    service: { name: "g", version: "1", nodes: [{ id: "g-1", address: "10.0.0.1:80" }] },
  });
});
