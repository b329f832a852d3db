import { expect, test } from "bun:test";
import { MicrorunError } from "../../errors.ts";
import { memoryRegistry } from "../../registry/memory.ts";
import type { Instance, Registry } from "../../registry/registry.ts";
import { look } from "./get.ts";

const one: Instance = { id: "g-1", service: "g", version: "1", address: "10.0.0.1:80", metadata: {} };

/** Looks into another namespace where a name says so, and lists its own. */
function apart(list: Registry["list"] = async () => []): Registry {
  const registry = memoryRegistry();
  return {
    ...registry,
    list,
    async *watch(name) {
      yield name === "g.team-b" ? [{ ...one, namespace: "team-b" }] : [];
    },
  };
}

test("a name of another namespace is found there, though no list has it", async () => {
  expect((await look(apart(), "g.team-b")).found).toMatchObject([{ id: "g-1", namespace: "team-b" }]);
  const refusal = new MicrorunError("permission_denied", "may not list pods in namespace team-a");
  const refused = apart(() => Promise.reject(refusal));
  expect((await look(refused, "g.team-b")).found).toHaveLength(1);
  expect(look(refused, "g")).rejects.toBe(refusal);
});

test("what nobody serves is told with all that is listed, unless the registry is in trouble", async () => {
  const registry = apart(async () => [one]);
  expect(await look(registry, "h")).toEqual({ found: [], all: [one] });
  const troubled = { ...registry, trouble: (name?: string) => `may not list ${name}` };
  expect(look(troubled, "h.team-c")).rejects.toThrow(
    "cannot look for h.team-c: the memory registry may not list h.team-c",
  );
});

test("a registry that is away is told as it tells it", async () => {
  const away = new MicrorunError("unavailable", "cannot list services: connection refused");
  expect(
    look(
      apart(() => Promise.reject(away)),
      "g.team-b",
    ),
  ).rejects.toBe(away);
});
