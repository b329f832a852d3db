import { expect, test } from "bun:test";
import type { ServicePlan } from "./dev.ts";
import { instancesOf } from "./instances.ts";

const plan = (name: string, dependsOn: string[] = [], more: Partial<ServicePlan> = {}): ServicePlan => ({
  ...{ name, dependsOn, cwd: "/", env: {}, flags: [], args: [], replicas: 1, watch: [], port: 0 },
  ...more,
});
const labels = (services: ServicePlan[], only?: string[]) =>
  instancesOf(services, only).map(({ label }) => label);

test("each comes after those it depends on", () => {
  const services = [plan("a", ["b", "c"]), plan("b", ["d"]), plan("c", ["d"]), plan("d")];
  expect(labels(services)).toEqual(["d", "b", "c", "a"]);
});

test("a circle is refused and shown", () => {
  const services = [plan("a", ["b"]), plan("b", ["c"]), plan("c", ["d"]), plan("d", ["b"])];
  expect(() => instancesOf(services)).toThrow("services depend on each other: b → c → d → b");
  expect(() => instancesOf([plan("a", ["a"])])).toThrow("a → a");
});

test("only some are taken, with what they depend on", () => {
  const services = [plan("a", ["b"]), plan("b"), plan("c")];
  expect(labels(services, ["a"])).toEqual(["b", "a"]);
  expect(() => labels(services, ["bb"])).toThrow("--only=bb: no such service, did you mean b?");
});

test("replicas are instances on ports in a row, and all of them are waited for", () => {
  const services = [
    plan("a", ["b"]),
    plan("b", [], { replicas: 2, port: 80 }),
    plan("c", [], { replicas: 2 }),
  ];
  expect(instancesOf(services).map(({ label, port, after }) => [label, port, after])).toEqual([
    ["b#1", 80, []],
    ["b#2", 81, []],
    ["a", 0, ["b#1", "b#2"]],
    ["c#1", 0, []],
    ["c#2", 0, []],
  ]);
});

test("ports of their own that flags and variables name are known, others are not", () => {
  const own = (flags: string[], env = {}) =>
    instancesOf([plan("a", [], { module: "./a.ts", flags, env })])[0]!.own;
  expect(own(["--http-address=:8000", "--grpc_address=127.0.0.1:9000"])).toEqual({ http: 8000, grpc: 9000 });
  expect(own(["--http_address=:1", "--http_address=:2"], { MICRO_HTTP_ADDRESS: ":3" })).toEqual({ http: 2 });
  expect(own([], { MICRO_HTTP_ADDRESS: ":3" })).toEqual({ http: 3 });
  expect(own(["--http_address=:0", "--grpc_address=unix:/tmp/a"])).toEqual({});
  expect(own(["--http_address=10.0.0.7:80", "--grpc_address=nonsense"])).toEqual({});
});

test("one without a port gets none", () => {
  const { port, ...job } = plan("job");
  expect([port, instancesOf([job])[0]!.port]).toEqual([0, undefined]);
});
