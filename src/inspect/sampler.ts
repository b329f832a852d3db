/** Counts calls by endpoint and messages by topic, and times calls: a sample each second. */
import type { Call, Middleware } from "../call.ts";
import { createFeed, type Feed } from "../feed.ts";
import { bucketCount, bucketOf } from "../histogram.ts";
import { isStream } from "../iteration.ts";
import type { EndpointSample, Sample, SeenEvent, TopicSample } from "./inspect.ts";

/** How many samples are kept: two minutes. */
const maxSamples = 120;
const everyMs = 1000;
/** Names within one sample; further ones are counted together. */
const maxNames = 500;
const others = "others";

export interface Sampler extends Disposable {
  readonly samples: Feed<Sample>;
  readonly count: Middleware;
  readonly countEvent: (event: Pick<SeenEvent, "topic" | "direction">) => void;
  /** Ends a sample now. */
  readonly tick: () => void;
}

/** @param isOwn the call asks the runtime itself: it is not counted */
export function openSampler(isOwn: (call: Call) => boolean): Sampler {
  const samples = createFeed<Sample>(maxSamples);
  let endpoints = new Map<string, EndpointSample>();
  let topics = new Map<string, TopicSample>();

  const endpoint = (name: string): EndpointSample =>
    cell(endpoints, name, () => ({ calls: 0, errors: 0, latency: new Array<number>(bucketCount).fill(0) }));
  const timed = async (call: Call, answer: Promise<unknown>): Promise<unknown> => {
    const from = performance.now();
    const name = `${call.type?.service ?? call.service}/${call.method}`;
    try {
      const reply = await answer;
      const one = endpoint(name);
      one.calls++;
      if (!isStream(reply) && !isStream(call.request)) one.latency[bucketOf(performance.now() - from)]!++;
      return reply;
    } catch (error) {
      const one = endpoint(name);
      one.calls++;
      one.errors++;
      throw error;
    }
  };
  const tick = (): void => {
    samples.push({ time: Date.now(), endpoints, topics });
    endpoints = new Map();
    topics = new Map();
  };
  const timer = setInterval(tick, everyMs);
  timer.unref();
  return {
    samples,
    count: (next) => (call) => (isOwn(call) ? next(call) : timed(call, next(call))),
    countEvent({ topic, direction }) {
      cell(topics, topic, () => ({ published: 0, received: 0 }))[direction]++;
    },
    tick,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function cell<T>(cells: Map<string, T>, name: string, make: () => T): T {
  const key = cells.has(name) || cells.size < maxNames ? name : others;
  let one = cells.get(key);
  if (one === undefined) {
    one = make();
    cells.set(key, one);
  }
  return one;
}
