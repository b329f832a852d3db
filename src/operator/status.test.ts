import { expect, test } from "bun:test";
import type { MicroService, MicroServiceStatus, Seen } from "./operator.ts";
import { type Outcome, statusOf } from "./status.ts";

const [early, late] = ["2026-11-21T12:00:00Z", "2026-11-21T13:00:00Z"];
const service = (status: MicroServiceStatus = {}, generation = 1): MicroService => ({
  ...{
    name: "greeter",
    namespace: "shop",
    uid: "1",
    generation,
    leaving: false,
    adopts: false,
    spec: {},
    status,
  },
});
const deployed = (workload: Seen = {}): Outcome => ({ image: "greeter:1", kind: "Deployment", workload });
const standing = (state: "under way" | "done" | "failed") => () => ({ text: "so it is", state });
const words = ({ conditions = [] }: MicroServiceStatus) =>
  conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`);

test("conditions say whether it is ready, on its way, or stuck", () => {
  const of = (state: "under way" | "done" | "failed", workload?: Seen) =>
    words(statusOf(service(), deployed(workload), standing(state), early));
  expect(of("done")).toEqual([
    "Ready=True Available",
    "Progressing=False Complete",
    "Degraded=False AsWanted",
  ]);
  expect(of("under way")).toEqual([
    ...["Ready=False RollingOut", "Progressing=True RollingOut", "Degraded=False AsWanted"],
  ]);
  expect(of("failed")).toEqual([
    ...["Ready=False RolloutFailed", "Progressing=False RolloutFailed", "Degraded=True RolloutFailed"],
  ]);
  const conditions = [{ type: "ReplicaFailure", status: "True", message: "quota" }];
  expect(of("under way", { status: { conditions } }).at(-1)).toBe("Degraded=True ReplicaFailure");
});

test("a schedule is ready as soon as it is there, unless somebody has suspended it", () => {
  const of = (spec: Seen) =>
    words(
      statusOf(service(), { image: "a", kind: "CronJob", workload: { spec } }, standing("done"), early),
    )[0];
  expect(of({ schedule: "@daily", suspend: false })).toBe("Ready=True Scheduled");
  expect(of({ schedule: "@daily", suspend: true })).toBe("Ready=False Suspended");
});

test("what is stuck keeps telling what runs, and of which spec that is said", () => {
  const workload = {
    spec: { selector: { matchLabels: { a: "1", b: "2" } } },
    status: { replicas: 3, readyReplicas: 2 },
  };
  const before = statusOf(service(), deployed(workload), standing("done"), early);
  expect(before).toMatchObject({ image: "greeter:1", replicas: 3, readyReplicas: 2, selector: "a=1,b=2" });
  const trouble = { reason: "Invalid", message: "no" };
  const after = statusOf(service(before, 2), { trouble }, standing("done"), late);
  expect(after).toMatchObject({ observedGeneration: 2, image: "greeter:1", readyReplicas: 2 });
  expect(words(after)).toEqual(["Ready=False Invalid", "Progressing=False Invalid", "Degraded=True Invalid"]);
});

test("the time of a condition is that of its last transition, not of its last message", () => {
  const first = statusOf(service(), deployed(), standing("under way"), early);
  const second = statusOf(service(first, 2), deployed(), standing("done"), late);
  expect(second.conditions?.map((one) => [one.type, one.lastTransitionTime])).toEqual([
    ["Ready", late],
    ["Progressing", late],
    ["Degraded", early],
  ]);
});
