import { expect, test } from "bun:test";
import type { ServicePlan } from "./dev.ts";
import { launchOf } from "./launch.ts";

const plan = (more: Partial<ServicePlan>): ServicePlan => ({
  ...{ name: "user", cwd: "/p", env: {}, flags: [], args: [], dependsOn: [], replicas: 1, watch: [] },
  ...more,
});
const options = {
  program: ["microrun"],
  env: { MICRO_REGISTRY: "kubernetes", MICRO_SERVER_NAME: "dev", NO_COLOR: "1", PATH: "/bin" },
  registry: "local",
  registryFolder: "/tmp/r",
  color: true,
  inspect: false,
};
const launch = (more: Partial<ServicePlan>, changed = {}) =>
  launchOf({ label: "user", plan: plan(more), after: [], port: 9000 }, { ...options, ...changed });

test("a module is run and watched, in the registry of this run", () => {
  const { words, env, cwd, group, restarts } = launch({
    module: "./user.ts",
    flags: ["--proto=a.proto"],
    args: ["x"],
  });
  expect(words).toEqual(["microrun", "run", "./user.ts", "--proto=a.proto", "--watch", "--", "x"]);
  expect([cwd, group, restarts]).toEqual(["/p", false, true]);
  expect(env).toEqual({
    PATH: "/bin",
    FORCE_COLOR: "1",
    MICRO_SERVER_ADDRESS: "127.0.0.1:9000",
    MICRO_REGISTRY: "local",
    MICRO_REGISTRY_ADDRESS: "/tmp/r",
    MICRO_BROKER: "http",
    MICRO_BROKER_ADDRESS: "127.0.0.1:0",
    MICRO_LOG_FORMAT: "text",
  });
});

test("a module can be looked into where the dashboard asks", () => {
  expect(launch({ module: "./user.ts" }, { inspect: true }).env.MICRO_INSPECT).toBe("true");
});

test("several workers are not watched", () => {
  expect(launch({ module: "./user.ts", flags: ["--workers=2"] }).words).not.toContain("--watch");
  expect(launch({ module: "./user.ts", env: { MICRO_WORKERS: "auto" } }).words).not.toContain("--watch");
  expect(launch({ module: "./user.ts", flags: ["--workers=1"] }).words).toContain("--watch");
});

test("a command is told its port and name, and no registry that it may not know", () => {
  const { words, env, group } = launch({ command: ["./user", "serve"], serverName: "user" });
  expect([words, group]).toEqual([["./user", "serve"], true]);
  expect(env).toEqual({
    PATH: "/bin",
    FORCE_COLOR: "1",
    MICRO_SERVER_NAME: "user",
    MICRO_SERVER_ADDRESS: "127.0.0.1:9000",
    MICRO_REGISTRY_ADDRESS: "/tmp/r",
    PORT: "9000",
  });
  const mdns = launch({ command: ["./user"] }, { registry: "mdns", color: false }).env;
  expect([mdns.MICRO_REGISTRY, mdns.MICRO_REGISTRY_ADDRESS, mdns.NO_COLOR]).toEqual(["mdns", undefined, "1"]);
});

test("what the project says of a variable beats all", () => {
  const { env } = launch({ module: "./user.ts", env: { MICRO_BROKER: "nats", PATH: "/own" } });
  expect([env.MICRO_BROKER, env.PATH]).toEqual(["nats", "/own"]);
});
