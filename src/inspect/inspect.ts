/** The contract of inspection: what an instance tells of itself to who operates it. */
import type { Feed } from "../feed.ts";
import type { LogRecord } from "../log.ts";
import type { Service } from "../service/service.ts";

/** What happened within a second. */
export interface Sample {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Those with calls, by `greeter.Greeter/Hello`. */
  readonly endpoints: ReadonlyMap<string, EndpointSample>;
  /** Those with messages. */
  readonly topics: ReadonlyMap<string, TopicSample>;
}

export interface EndpointSample {
  calls: number;
  errors: number;
  /** Calls by duration, in the buckets of histogram.ts; streams are not among them. */
  readonly latency: number[];
}

export interface TopicSample {
  published: number;
  received: number;
}

/** A message of the broker that passed here. */
export interface SeenEvent {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly direction: "published" | "received";
  readonly topic: string;
  readonly header: Readonly<Record<string, string>>;
  /** Bytes of the payload. */
  readonly size: number;
  /** The beginning of the payload. Absent: not to be told. */
  readonly body?: string;
  /** Why publishing or handling it failed. */
  readonly error?: string;
}

/** A value of the configuration, without secrets. */
export interface ShownValue {
  readonly key: string;
  readonly value: unknown;
  readonly source: string;
}

/** A flag that was given. */
export interface GivenFlag {
  readonly name: string;
  readonly value: string;
  /** `--server_name` or `MICRO_SERVER_NAME`. */
  readonly source: string;
}

export interface Inspected {
  readonly service: () => Service;
  /** Seconds since the epoch. */
  readonly started: number;
  /** `microrun 0.1.0 (bun 1.4.4, linux-x64)` */
  readonly runtime: string;
  readonly flags: readonly GivenFlag[];
  /** Topics. */
  readonly subscriptions: readonly string[];
  readonly config: () => readonly ShownValue[];
  readonly samples: Feed<Sample>;
  readonly events: Feed<SeenEvent>;
  readonly log: Feed<LogRecord>;
}
