import { expect, test } from "bun:test";
import { MicrorunError } from "../../errors.ts";
import { createHealth } from "../../health/checks.ts";
import type { Context } from "../../service/service.ts";
import { debugPart } from "./debug.ts";

function parts() {
  const health = createHealth();
  const { endpoints } = debugPart({
    health,
    stats: { started: 0, requests: 0, errors: 0 },
    log: { records: () => [], follow: () => () => {} },
  });
  const ask = endpoints
    .filter(({ method }) => method.name === "Health")
    .map(
      ({ handler }) =>
        async () =>
          handler?.({}, {} as Context),
    );
  return { health, ask };
}

test("Health is ok when the checks are, also before the process serves and while it drains", async () => {
  const { health, ask } = parts();
  health.add("ready", "db", () => {});
  expect(ask).toHaveLength(2);
  for (const one of ask) {
    expect(await one()).toEqual({ status: "ok" });
    health.setServing(true);
    expect(await one()).toEqual({ status: "ok" });
    health.setServing(false);
    expect(await one()).toEqual({ status: "ok" });
  }
});

test("Health fails by the name of a live or ready check, and keeps its reason", async () => {
  for (const probe of ["live", "ready"] as const) {
    const { health, ask } = parts();
    health.setServing(true);
    health.add(probe, "db", () => Promise.reject(new Error("password of db:5432 is wrong")));
    for (const one of ask) {
      const failed = await one().then(
        () => new MicrorunError("internal", "it is ok"),
        (error: MicrorunError) => error,
      );
      expect([failed.code, failed.message]).toEqual(["unavailable", "check db failed"]);
    }
  }
});
