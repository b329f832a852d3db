/** What an instance tells of its calls as they are made: timed, where it may be looked into, else counted by Debug.Stats. */
import { MicrorunError } from "../errors.ts";
import type { Instance } from "../registry/registry.ts";
import { pause } from "../wait.ts";
import type { Peers, Reply } from "./peers.ts";
import type { Measured } from "./series.ts";

const inspect = "microrun.inspect.v1.Inspect";
const statsMs = 1000;
/** Questions of ours that Debug.Stats counts from one answer to the next. */
const ownCalls = 1;

/** @throws MicrorunError as the instance fails */
export async function measure(
  peers: Peers,
  instance: Instance,
  signal: AbortSignal,
  tell: (one: Measured) => void,
): Promise<void> {
  let skewMs: number;
  try {
    const { now } = await peers.ask(instance, { service: inspect, method: "Overview" }, signal);
    skewMs = Date.now() - Date.parse(now);
  } catch (error) {
    if (MicrorunError.from(error).code !== "unimplemented") throw error;
    return counted(peers, instance, signal, tell);
  }
  for await (const sample of peers.follow(instance, { service: inspect, method: "Samples" }, signal))
    tell(measured(sample, skewMs));
}

/** The clocks of machines differ. */
function measured({ time, endpoints = [], topics = [] }: Reply, skewMs: number): Measured {
  return {
    time: Date.parse(time) + skewMs,
    endpoints: endpoints.map((one: Reply) => ({
      endpoint: String(one.endpoint),
      calls: Number(one.calls ?? 0),
      errors: Number(one.errors ?? 0),
      latency: one.latency ?? [],
    })),
    topics: topics.map((one: Reply) => ({
      topic: String(one.topic),
      published: Number(one.published ?? 0),
      received: Number(one.received ?? 0),
    })),
  };
}

/** The differences of what it has counted since it was started. */
async function counted(
  peers: Peers,
  instance: Instance,
  signal: AbortSignal,
  tell: (one: Measured) => void,
): Promise<void> {
  let before: { readonly requests: number; readonly errors: number } | undefined;
  while (!signal.aborted) {
    const reply = await peers.ask(instance, { service: "debug.Debug", method: "Stats" }, signal);
    const now = { requests: Number(reply.requests ?? 0), errors: Number(reply.errors ?? 0) };
    if (before !== undefined && now.requests >= before.requests) {
      const calls = Math.max(0, now.requests - before.requests - ownCalls);
      const errors = Math.max(0, now.errors - before.errors);
      if (calls > 0 || errors > 0)
        tell({ time: Date.now(), endpoints: [{ endpoint: "all", calls, errors, latency: [] }] });
      else tell({ time: Date.now(), endpoints: [] });
    }
    before = now;
    await pause(statsMs, signal);
  }
}
