import { expect, test } from "bun:test";
import { jsonMethod } from "../../call.ts";
import { createFeed } from "../../feed.ts";
import { bucketCount } from "../../histogram.ts";
import type { Inspected, Sample, SeenEvent } from "../../inspect/inspect.ts";
import { createLog } from "../../log.ts";
import type { Context } from "../../service/service.ts";
import { parseSchema } from "../schema/schema.ts";
import { inspectPart } from "./inspect.ts";

const greeter = parseSchema(
  "greeter.proto",
  `syntax = "proto3"; package greeter; message Hi { string name = 1; } service Greeter { rpc Hello(Hi) returns (stream Hi); }`,
);

function inspected() {
  const log = createLog({ write: () => {} });
  const samples = createFeed<Sample>(10);
  const events = createFeed<SeenEvent>(10);
  const method = greeter.services.get("greeter.Greeter")![0]!;
  const handler = () => {};
  const own: Inspected = {
    service: () => ({
      ...{ name: "greeter", version: "1", id: "greeter-1", metadata: { zone: "a" }, schemas: [] },
      endpoints: [
        { method, handler, internal: false },
        { method: jsonMethod("Plain", "Do"), handler, internal: false },
        { method: jsonMethod("Plain", "Missing"), handler: undefined, internal: false },
        { method: jsonMethod("debug.Debug", "Stats"), handler, internal: true },
      ],
      find: () => undefined,
      has: () => false,
    }),
    ...{ started: 100, runtime: "microrun", subscriptions: ["bought"], samples, events, log },
    flags: [{ name: "server_name", value: "greeter", source: "--server_name" }],
    config: () => [
      { key: "db.host", value: "127.0.0.1", source: "env" },
      { key: "db.port", value: 5432, source: "env" },
      { key: "db.password", value: "***", source: "env" },
    ],
  };
  const { endpoints } = inspectPart(own);
  /** As it is read by who asked: through its bytes. */
  const ask = async (name: string, request: object = {}, most = 1): Promise<unknown[]> => {
    const { method, handler } = endpoints.find((one) => one.method.name === name)!;
    const stop = new AbortController();
    const reply: unknown = await handler!(request, { signal: stop.signal } as Context);
    const read = (value: unknown) =>
      method.response.toJson(method.response.decode!(method.response.encode!(value)));
    if (!method.responseStream) return [read(reply)];
    const all: unknown[] = [];
    for await (const one of reply as AsyncIterable<unknown>) {
      all.push(read(one));
      if (all.length === most) stop.abort();
    }
    return all;
  };
  return { ask, log, samples, events };
}

test("an overview tells the user's own endpoints that answer, with their schemas", async () => {
  const [overview] = (await inspected().ask("Overview")) as [Record<string, unknown>];
  expect(overview).toMatchObject({
    ...{
      service: "greeter",
      version: "1",
      id: "greeter-1",
      metadata: { zone: "a" },
      started: "1970-01-01T00:01:40Z",
    },
    flags: [{ name: "server_name", value: "greeter", source: "--server_name" }],
    subscriptions: ["bought"],
  });
  const endpoints = overview.endpoints as Record<string, string>[];
  expect(endpoints.map(({ service, method }) => `${service}/${method}`)).toEqual([
    "greeter.Greeter/Hello",
    "Plain/Do",
  ]);
  expect(endpoints[0]!.responseStream as unknown).toBe(true);
  expect(JSON.parse(endpoints[0]!.requestSchema!).$defs["greeter.Hi"].properties).toEqual({
    name: { type: "string" },
  });
  expect(endpoints[1]!.requestSchema ?? "").toBe("");
});

test("configuration is told as JSON, but for what is not to be shown", async () => {
  expect(await inspected().ask("Config")).toEqual([
    {
      values: [
        { key: "db.host", value: '"127.0.0.1"', source: "env" },
        { key: "db.port", value: "5432", source: "env" },
        { key: "db.password", value: "***", source: "env" },
      ],
    },
  ]);
});

test("samples tell counts and quantiles, those of the past first", async () => {
  const { ask, samples } = inspected();
  const latency = new Array<number>(bucketCount).fill(0);
  latency[10] = 3;
  samples.push({
    time: 5000,
    endpoints: new Map([["a.A/B", { calls: 4, errors: 1, latency }]]),
    topics: new Map([["bought", { published: 1, received: 2 }]]),
  });
  const [sample] = (await ask("Samples")) as [
    { endpoints: Record<string, unknown>[]; topics: unknown; time: string },
  ];
  expect(sample.time).toBe("1970-01-01T00:00:05Z");
  expect(sample.topics).toEqual([{ topic: "bought", published: 1, received: 2 }]);
  expect(sample.endpoints).toMatchObject([{ endpoint: "a.A/B", calls: 4, errors: 1, latency }]);
  expect(sample.endpoints[0]!.p99).toBeGreaterThan(sample.endpoints[0]!.p50 as number);
});

test("log records are told without secrets, the last ones where so many are asked for", async () => {
  const { ask, log } = inspected();
  log.info("first");
  log.error("second", { password: "hunter2", nested: { token: "hunter2" }, error: new Error("why") });
  const [record] = (await ask("Logs", { count: 1 })) as [Record<string, string>];
  expect([record.level, record.message]).toEqual(["error", "second"]);
  expect(record.fields).not.toContain("hunter2");
  expect(JSON.parse(record.fields!).error.message).toBe("why");
  expect(await ask("Logs", { count: 0 }, 2)).toHaveLength(2);
});

test("events are told as they were seen", async () => {
  const { ask, events } = inspected();
  events.push({ time: 5000, direction: "received", topic: "a", header: { k: "v" }, size: 3, error: "no" });
  expect(await ask("Events")).toEqual([
    {
      time: "1970-01-01T00:00:05Z",
      direction: "received",
      topic: "a",
      header: { k: "v" },
      size: 3,
      error: "no",
    },
  ]);
});
