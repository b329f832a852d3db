import { expect, test } from "bun:test";
import type { Instance } from "./dev.ts";
import { createPorts } from "./free-ports.ts";

const instance = (label: string, port?: number): Instance => ({
  ...{ label, port, after: [] },
  plan: { name: label, cwd: "/", env: {}, flags: [], args: [], dependsOn: [], replicas: 1, watch: [] },
});

/** A machine where these ports are in use, and free ones are given out from 50000 on. */
function machine(inUse: readonly number[] = []) {
  let next = 50_000;
  return async (port: number) => (inUse.includes(port) ? undefined : port === 0 ? next++ : port);
}

test("ports are those asked for, else free ones in a row from a base on", async () => {
  const ports = createPorts(9000, machine([9001]));
  const given = await ports([instance("a", 0), instance("job"), instance("b", 9002), instance("c", 0)]);
  expect([...given].sort()).toEqual([
    ["a", 9000],
    ["b", 9002],
    ["c", 9003],
  ]);
});

test("a service keeps its port, whatever others come and go", async () => {
  const ports = createPorts(undefined, machine());
  expect([...(await ports([instance("a", 0), instance("b", 0)]))]).toEqual([
    ["a", 50_000],
    ["b", 50_001],
  ]);
  const again = await ports([instance("c", 0), instance("b", 0)]);
  expect(again.get("b")).toBe(50_001);
  expect(again.get("c")).toBe(50_002);
});

test("a port that is in use is refused, and changes nothing", async () => {
  const ports = createPorts(undefined, machine([80]));
  await ports([instance("a", 0)]);
  await expect(ports([instance("a", 80)])).rejects.toMatchObject({
    code: "already_exists",
    message: "port 80 of a: in use",
  });
  expect((await ports([instance("a", 0)])).get("a")).toBe(50_000);
});

test("services may change their ports with each other", async () => {
  const inUse: number[] = [];
  const ports = createPorts(undefined, machine(inUse));
  await ports([instance("a", 80), instance("b", 81)]);
  inUse.push(80, 81);
  const swapped = await ports([instance("a", 81), instance("b", 80)]);
  expect([swapped.get("a"), swapped.get("b")]).toEqual([81, 80]);
});

test("nothing free is told", async () => {
  await expect(createPorts(65_535, machine([65_535]))([instance("a", 0)])).rejects.toMatchObject({
    code: "resource_exhausted",
  });
});
