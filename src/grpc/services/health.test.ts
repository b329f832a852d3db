import { expect, test } from "bun:test";
import type { CheckResult, Health } from "../../health/health.ts";
import type { Context } from "../../service/service.ts";
import { healthPart } from "./health.ts";

function fakeHealth() {
  const state = { serving: true, results: [] as CheckResult[] };
  let changed = Promise.withResolvers<void>();
  const health: Health = {
    add() {},
    run: async () => state.results,
    get serving() {
      return state.serving;
    },
    async *watch(signal) {
      const stop = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      while (!signal.aborted) {
        yield state.serving;
        await Promise.race([changed.promise, stop]);
        changed = Promise.withResolvers();
      }
    },
  };
  return { health, state, change: () => changed.resolve() };
}

function handlers(health: Health) {
  const { endpoints } = healthPart(health, ["greeter.Greeter"]);
  const ask = (name: string, request: unknown, signal = new AbortController().signal): unknown =>
    endpoints.find(({ method }) => method.name === name)?.handler?.(request, { signal } as Context);
  return { endpoints, ask };
}

test("Check is SERVING while the service is ready, and NOT_SERVING when a check fails or it drains", async () => {
  const { health, state } = fakeHealth();
  const { ask } = handlers(health);
  expect(await ask("Check", { service: "" })).toEqual({ status: "SERVING" });
  expect(await ask("Check", { service: "greeter.Greeter" })).toEqual({ status: "SERVING" });
  state.results = [{ name: "db", ok: false, reason: "down" }];
  expect(await ask("Check", { service: "" })).toEqual({ status: "NOT_SERVING" });
  state.results = [];
  state.serving = false;
  expect(await ask("Check", { service: "" })).toEqual({ status: "NOT_SERVING" });
});

test("Check knows whatever name the process goes by", async () => {
  const { endpoints } = healthPart(fakeHealth().health, ["t", "greeter.Greeter"]);
  const check = endpoints.find(({ method }) => method.name === "Check")!;
  expect(await check.handler?.({ service: "t" }, {} as Context)).toEqual({ status: "SERVING" });
});

test("Check of an unknown service is NOT_FOUND", () => {
  const { ask } = handlers(fakeHealth().health);
  expect(() => ask("Check", { service: "nope" })).toThrow("unknown service nope");
});

test("List names every service and the server as a whole", async () => {
  const { ask } = handlers(fakeHealth().health);
  expect(await ask("List", {})).toEqual({
    statuses: { "": { status: "SERVING" }, "greeter.Greeter": { status: "SERVING" } },
  });
});

test("Watch says the status now and each change, and ends when aborted", async () => {
  const { health, state, change } = fakeHealth();
  const { ask } = handlers(health);
  const stop = new AbortController();
  const seen = ask("Watch", { service: "" }, stop.signal) as AsyncGenerator<{ status: string }>;
  expect((await seen.next()).value).toEqual({ status: "SERVING" });
  const next = seen.next();
  state.serving = false;
  change();
  expect((await next).value).toEqual({ status: "NOT_SERVING" });
  const last = seen.next();
  stop.abort();
  expect((await last).done).toBe(true);
});

test("Watch of an unknown service says so and goes on", async () => {
  const { ask } = handlers(fakeHealth().health);
  const stop = new AbortController();
  const seen = ask("Watch", { service: "nope" }, stop.signal) as AsyncGenerator<{ status: string }>;
  expect((await seen.next()).value).toEqual({ status: "SERVICE_UNKNOWN" });
  const last = seen.next();
  stop.abort();
  expect((await last).done).toBe(true);
});

test("the messages are protobuf's own", () => {
  const { endpoints } = handlers(fakeHealth().health);
  const { method } = endpoints.find(({ method }) => method.name === "Check")!;
  expect([...method.response.encode!({ status: "NOT_SERVING" })]).toEqual([8, 2]);
  expect(method.request.decode!(new Uint8Array())).toEqual({ service: "" });
  expect(endpoints.every(({ internal }) => internal)).toBe(true);
});
