import { expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import type { Instance } from "../registry/registry.ts";
import type { Peers } from "./peers.ts";
import { createRoster } from "./roster.ts";

const at = (service: string, id: string): Instance => ({
  id,
  service,
  version: "1",
  address: `${id}:1`,
  metadata: {},
});

/** Peers by their ids: what they answer to Stats, Health and Check. */
const answers: Record<string, Record<string, unknown>> = {
  "well-1": { Stats: { started: "10", memory: "2048", requests: "7" }, Health: { status: "ok" } },
  "ill-1": { Stats: { started: "10" }, Health: new MicrorunError("unavailable", "check db failed") },
  "gone-1": {
    Stats: new MicrorunError("unavailable", "refused"),
    Health: new MicrorunError("unavailable", "refused"),
  },
  "go-1": { Check: { status: "NOT_SERVING" } },
  "odd-1": {},
};
const peers: Peers = {
  async ask({ id }, { method }) {
    const answer = answers[id]?.[method] ?? new MicrorunError("unimplemented", "unknown method");
    if (answer instanceof Error) throw answer;
    return answer;
  },
  async *follow() {},
  reflect: async () => undefined,
};
const instances = Object.keys(answers).map((id) => at(id.replace(/-1$/, ""), id));

test("before anybody was asked, everybody is listed", async () => {
  const roster = createRoster({ list: async () => instances }, peers);
  const known = await roster.known();
  expect(known.map(({ name }) => name)).toEqual(["go", "gone", "ill", "odd", "well"]);
  expect(known.every(({ instances: [one] }) => one?.health === "asking")).toBe(true);
});

test("how each instance is, is told by what it answers", async () => {
  const roster = createRoster({ list: async () => instances }, peers);
  const health = Object.fromEntries((await roster.asked()).map(({ name, instances: [one] }) => [name, one!]));
  expect(health.well).toMatchObject({ health: "ok", started: 10_000, memory: 2048, requests: 7, errors: 0 });
  expect(health.ill).toMatchObject({ health: "failing", detail: "check db failed" });
  expect(health.gone).toMatchObject({ health: "unreachable", detail: "not reached from here: refused" });
  expect(health.go).toMatchObject({ health: "failing", detail: "NOT_SERVING" });
  expect(health.odd).toMatchObject({ health: "silent" });
});

test("of a Pod that is not reached it is told where it can be", async () => {
  const pod = { ...at("gone", "gone-1"), namespace: "shop" };
  const [gone] = await createRoster({ list: async () => [pod] }, peers).asked();
  expect(gone?.instances[0]?.detail).toContain("run the dashboard there");
});

test("subscribers of the http broker are no service", async () => {
  const roster = createRoster({ list: async () => [at("micro.http.broker", "a"), at("b", "b")] }, peers);
  expect((await roster.known()).map(({ name }) => name)).toEqual(["b"]);
});

test("who asks again within a short while gets the same answer", async () => {
  let asked = 0;
  const list = async () => {
    asked++;
    return instances;
  };
  const roster = createRoster({ list }, peers);
  await Promise.all([roster.known(), roster.asked(), roster.of("well")]);
  expect(asked).toBe(1);
});

test("a registry that failed is asked again", async () => {
  const list = [async () => Promise.reject(new Error("away")), async () => instances];
  const roster = createRoster({ list: () => list.shift()!() }, peers);
  expect(roster.known()).rejects.toThrow("away");
  await Promise.resolve();
  expect(await roster.known()).toHaveLength(5);
});
