import { expect, test } from "bun:test";
import { type Call, jsonMethod } from "../call.ts";
import { openSampler } from "./sampler.ts";

const call = (service: string, method: string): Call => ({
  ...{ service, method, request: {}, metadata: new Headers(), signal: new AbortController().signal },
  type: jsonMethod(`pkg.${service}`, method),
});

test("calls are counted by endpoint and timed, errors among them", async () => {
  using sampler = openSampler(() => false);
  const ok = sampler.count(async () => ({}));
  const failing = sampler.count(async () => Promise.reject(new Error("no")));
  await ok(call("A", "B"));
  await ok(call("A", "B"));
  await failing(call("A", "B")).catch(() => {});
  sampler.tick();
  const [sample] = sampler.samples.records();
  const one = sample!.endpoints.get("pkg.A/B")!;
  expect([one.calls, one.errors]).toEqual([3, 1]);
  expect(one.latency.reduce((sum, count) => sum + count, 0)).toBe(2);
});

test("a stream is counted, but not timed", async () => {
  using sampler = openSampler(() => false);
  await sampler.count(async () => (async function* () {})())(call("A", "B"));
  sampler.tick();
  const one = sampler.samples.records()[0]!.endpoints.get("pkg.A/B")!;
  expect(one.calls).toBe(1);
  expect(one.latency.every((count) => count === 0)).toBe(true);
});

test("calls to the runtime itself pass by", async () => {
  using sampler = openSampler(({ service }) => service === "Debug");
  await sampler.count(async () => ({}))(call("Debug", "Stats"));
  sampler.tick();
  expect(sampler.samples.records()[0]!.endpoints.size).toBe(0);
});

test("messages are counted by topic, and each sample begins at nothing", () => {
  using sampler = openSampler(() => false);
  sampler.countEvent({ topic: "a", direction: "published" });
  sampler.countEvent({ topic: "a", direction: "received" });
  sampler.tick();
  sampler.tick();
  const [first, second] = sampler.samples.records();
  expect(first!.topics.get("a")).toEqual({ published: 1, received: 1 });
  expect(second!.topics.size).toBe(0);
});

test("names are bounded", () => {
  using sampler = openSampler(() => false);
  for (let topic = 0; topic < 2000; topic++)
    sampler.countEvent({ topic: `${topic}`, direction: "published" });
  sampler.tick();
  const { topics } = sampler.samples.records()[0]!;
  expect(topics.size).toBe(501);
  expect(topics.get("others")!.published).toBe(1500);
});
