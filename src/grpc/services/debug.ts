/** Go Micro's `Debug` service: Health, Stats, Log and Trace, in v2's layout, and in v1's for who asks `/proto.Debug/…`. */

import v2Text from "../../../proto/micro/debug.proto" with { type: "text" };
import v1Text from "../../../proto/micro/debug-v1.proto" with { type: "text" };
import { MicrorunError } from "../../errors.ts";
import { readFeed } from "../../feed.ts";
import type { Health } from "../../health/health.ts";
import type { LogRecord, LogSink } from "../../log.ts";
import type { Context } from "../../service/service.ts";
import { type BuiltinPart, builtinPart } from "./builtin.ts";

export interface DebugOptions {
  readonly health: Health;
  readonly stats: { readonly started: number; readonly requests: number; readonly errors: number };
  readonly log: Pick<LogSink, "records" | "follow">;
  /** Since when the registry cannot be reached, in ms since the epoch. @default it can */
  readonly staleSince?: () => number | undefined;
}

export function debugPart({ health, stats, log, staleSince = () => undefined }: DebugOptions): BuiltinPart {
  const checkHealth = async (): Promise<{ status: string }> => {
    const results = await Promise.all([health.run("live"), health.run("ready")]);
    // a process that drains is healthy; why a check failed is not for every caller
    const failed = results.flat().find(({ name, ok }) => !ok && name !== "serving");
    if (failed !== undefined) throw new MicrorunError("unavailable", `check ${failed.name} failed`);
    return { status: "ok" };
  };
  const common = () => {
    const now = Math.floor(Date.now() / 1000);
    return {
      started: stats.started,
      uptime: now - stats.started,
      memory: process.memoryUsage.rss(),
      threads: 1,
      gc: 0,
    };
  };
  const second = builtinPart({
    service: "debug.Debug",
    file: "micro/debug.proto",
    text: v2Text,
    methods: {
      Health: { handler: checkHealth },
      Stats: {
        handler: () => ({
          timestamp: Math.floor(Date.now() / 1000),
          ...common(),
          requests: stats.requests,
          errors: stats.errors,
          registryAge: age(staleSince()),
        }),
      },
      Log: { handler: (request, context) => logRecords(log, request, context), responseStream: true },
      Trace: { handler: () => ({ spans: [] }) },
    },
  });
  const first = builtinPart({
    service: "proto.Debug",
    file: "micro/debug-v1.proto",
    text: v1Text,
    methods: { Health: { handler: checkHealth }, Stats: { handler: common } },
  });
  // v2 first: it answers `/greeter.Debug/…`, which names neither exactly
  return {
    endpoints: [...second.endpoints, ...first.endpoints],
    schemas: [...second.schemas, ...first.schemas],
  };
}

/** In whole seconds. */
function age(since: number | undefined): number {
  return since === undefined ? 0 : Math.max(0, Math.floor((Date.now() - since) / 1000));
}

interface LogRequest {
  readonly stream: boolean;
  readonly count: bigint;
  readonly since: bigint;
}

async function* logRecords(
  log: DebugOptions["log"],
  { stream, count, since }: LogRequest,
  { signal }: Context,
): AsyncGenerator<unknown> {
  const past = (kept: readonly LogRecord[]): readonly LogRecord[] =>
    kept.filter(({ time }) => time >= Number(since) * 1000).slice(count > 0n ? -Number(count) : 0);
  for await (const record of readFeed(log, { past, stream, signal })) yield debugRecord(record);
}

/** Texts alone: a map of strings. */
function debugRecord({ time, level, message, fields }: LogRecord): unknown {
  const texts = Object.entries(fields).filter(([, value]) =>
    ["string", "number", "boolean"].includes(typeof value),
  );
  return {
    timestamp: Math.floor(time / 1000),
    metadata: { ...Object.fromEntries(texts.map(([key, value]) => [key, String(value)])), level },
    message,
  };
}
