/** What pages hear while they are open. */

import { errorText, MicrorunError } from "../errors.ts";
import { createFeed, readFeed } from "../feed.ts";
import type { Instance } from "../registry/registry.ts";
import { pause } from "../wait.ts";
import type { ServerEvent } from "./event-stream.ts";
import { followAll } from "./followers.ts";
import type { Html } from "./layout.ts";
import { measure } from "./measurements.ts";
import type { BuiltinName, Peers, Reply } from "./peers.ts";
import type { Roster } from "./roster.ts";
import { createSeries, type Measured } from "./series.ts";
import { endpointRows, instanceRows, topicRows } from "./service-page.ts";
import { servicesRows, shortId } from "./services-page.ts";

export interface LiveOptions {
  readonly roster: Roster;
  readonly peers: Peers;
}

export interface Live {
  services(signal: AbortSignal): AsyncIterable<ServerEvent>;
  service(name: string, signal: AbortSignal): AsyncIterable<ServerEvent>;
  logs(name: string, signal: AbortSignal): AsyncIterable<ServerEvent>;
  events(name: string, signal: AbortSignal): AsyncIterable<ServerEvent>;
}

const rosterMs = 2000;
const pointsMs = 1000;
/** Until the instances have told what they remember. */
const historyMs = 700;
/** A second is whole when its samples have come, in seconds. */
const lag = 2;
/** Lines of the past that a page of logs begins with, of each instance. */
const pastLines = 200;

export function createLive({ roster, peers }: LiveOptions): Live {
  const instances = (name: string) => () => roster.of(name);
  return {
    services: (signal) =>
      merged(signal, (tell) => [
        repeated(rosterMs, signal, tell, async () =>
          tell(await fragment("services", servicesRows(await roster.asked()))),
        ),
      ]),
    service: (name, signal) =>
      merged(signal, (tell) => {
        const series = createSeries();
        const points = async (): Promise<void> => {
          const until = Math.floor(Date.now() / 1000) - lag;
          tell({ event: "points", data: series.take(until) });
          tell(await fragment("uses", endpointRows(series.rows(until))));
          tell(await fragment("topics", topicRows(series.topics(until))));
        };
        const rows = async (): Promise<void> => {
          const service = (await roster.asked()).find((one) => one.name === name);
          tell(await fragment("instances", instanceRows(service?.instances ?? [])));
        };
        const measured = followAll<Measured | ServerEvent>({
          instances: instances(name),
          follow: (instance, end, add) => measure(peers, instance, end, add),
          trouble: troubleOf,
          signal,
        });
        return [
          each(measured, (one) => ("event" in one ? tell(one) : series.add(one))),
          repeated(rosterMs, signal, tell, rows),
          pause(historyMs, signal).then(() => repeated(pointsMs, signal, tell, points)),
        ];
      }),
    logs: (name, signal) =>
      followAll<ServerEvent>({
        instances: instances(name),
        follow: (instance, end, tell) => followLog(peers, instance, end, tell),
        trouble: troubleOf,
        signal,
      }),
    events: (name, signal) =>
      followAll<ServerEvent>({
        instances: instances(name),
        async follow(instance, end, tell) {
          const question = { service: "microrun.inspect.v1.Inspect", method: "Events" } as const;
          for await (const data of peers.follow(instance, question, end))
            tell({ event: "event", data: { ...data, instance: shortId(instance) } });
        },
        trouble: (instance, why) => troubleOf(instance, /unknown (service|method)/.test(why) ? notTold : why),
        signal,
      }),
  };
}

const notTold = "does not tell its events: start it with --inspect";

function troubleOf(instance: Instance, why: string): ServerEvent {
  return { event: "trouble", data: { instance: shortId(instance), why } };
}

async function fragment(target: string, rows: Html): Promise<ServerEvent> {
  return { event: "fragment", data: { target, html: String(await rows) } };
}

/** Lines of who may be looked into are exact; of others they are what Go Micro tells. */
async function followLog(
  peers: Peers,
  instance: Instance,
  signal: AbortSignal,
  tell: (event: ServerEvent) => void,
): Promise<void> {
  const lines = (service: BuiltinName, method: string, request: object): AsyncIterable<Reply> =>
    peers.follow(instance, { service, method, request }, signal);
  const named = (line: object): void =>
    tell({ event: "log", data: { ...line, instance: shortId(instance) } });
  try {
    const records = lines("microrun.inspect.v1.Inspect", "Logs", { count: pastLines });
    for await (const { time, level, message, fields } of records) named({ time, level, message, fields });
  } catch (error) {
    if (MicrorunError.from(error).code !== "unimplemented") throw error;
    const records = lines("debug.Debug", "Log", { stream: true, count: pastLines });
    for await (const { timestamp, metadata = {}, message } of records) {
      const { level = "info", ...fields } = metadata;
      const time = new Date(Number(timestamp) * 1000).toISOString();
      named({ time, level, message, fields: JSON.stringify(fields) });
    }
  }
}

type Tell = (event: ServerEvent) => void;

/** What several tell as one stream, until aborted. */
async function* merged(
  signal: AbortSignal,
  begin: (tell: Tell) => readonly Promise<void>[],
): AsyncGenerator<ServerEvent> {
  const feed = createFeed<ServerEvent>(0);
  const reader = readFeed(feed, { signal });
  // before anything is told
  const first = reader.next();
  const work = Promise.allSettled(begin(feed.push));
  const { done, value } = await first;
  if (done !== true) yield value;
  yield* reader;
  await work;
}

async function repeated(
  ms: number,
  signal: AbortSignal,
  tell: Tell,
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
    } catch (error) {
      tell({ event: "trouble", data: { instance: "registry", why: errorText(error) } });
    }
    await pause(ms, signal);
  }
}

async function each<T>(all: AsyncIterable<T>, take: (one: T) => void): Promise<void> {
  for await (const one of all) take(one);
}
