/** What is asked of a client, as a call that connections take: names, messages, metadata, deadline. */
import { parseAddress } from "../address.ts";
import { type Call, jsonMethod, type Method } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { isStream } from "../iteration.ts";
import { maxTimerMs } from "../wait.ts";
import type { CallOptions } from "./client.ts";
import { metadataOf } from "./metadata.ts";
import { type Methods, type Names, nameParts } from "./methods.ts";
import { checkOptions, type Kinds, kinds } from "./options.ts";
import { createRequests, type Requests } from "./requests.ts";

const defaultTimeoutMs = 5000;

export interface Asked {
  readonly service: string;
  readonly endpoint: string;
  readonly request: unknown;
  readonly how: CallOptions;
  /** Replies are read one by one; without a deadline of its own. */
  readonly stream: boolean;
}

/** What of a call being served goes with the calls that its handler makes. */
export type Origin = Pick<Call, "metadata" | "signal" | "deadline">;

export interface Outgoing {
  readonly call: Call;
  /** Where requests stream. */
  readonly requests: Requests | undefined;
}

export interface OutgoingOptions {
  readonly from: string;
  readonly requestTimeoutMs?: number;
  readonly methods?: Methods;
}

/** What each option must be. */
const table: Kinds<CallOptions> = {
  timeoutMs: kinds.duration,
  metadata: kinds.texts,
  signal: kinds.signal,
  address: kinds.text,
  version: kinds.text,
  where: kinds.texts,
  idempotent: kinds.truth,
  type: kinds.object,
};

/** @throws MicrorunError `invalid_argument` where what is asked makes no sense */
export function outgoing(asked: Asked, options: OutgoingOptions, origin: Origin | undefined): Outgoing {
  const { service, endpoint, request, how, stream } = asked;
  const names = nameParts(service, endpoint);
  checkOptions(`${service} ${endpoint}`, how, table);
  if (how.address !== undefined) parseAddress(how.address);
  const type = typeOf(asked, names, options.methods);
  checkKind(asked, type);
  const requests = type?.requestStream ? createRequests(request) : undefined;
  const timeoutMs = how.timeoutMs ?? (stream ? undefined : (options.requestTimeoutMs ?? defaultTimeoutMs));
  const deadline = deadlineOf(timeoutMs, origin?.deadline);
  const signals = [how.signal, origin?.signal].filter((signal) => signal !== undefined);
  const call: Call = {
    service: type?.service ?? names.service,
    method: type?.name ?? names.method,
    request: requests?.stream ?? request ?? {},
    metadata: metadataOf(origin?.metadata, how.metadata ?? {}, options.from),
    signal: signals.length === 1 ? signals[0]! : AbortSignal.any(signals),
    ...(deadline === undefined ? {} : { deadline }),
    ...(type === undefined ? {} : { type }),
  };
  return { call, requests };
}

function typeOf(
  { service, endpoint, request, how, stream }: Asked,
  names: Names,
  methods: Methods | undefined,
): Method | undefined {
  const known = how.type ?? methods?.(service, endpoint);
  if (known !== undefined) return known;
  const requestStream = isStream(request);
  if (!stream && !requestStream) return undefined;
  return jsonMethod(names.service, names.method, { requestStream, responseStream: stream });
}

function checkKind({ service, endpoint, request, stream }: Asked, type: Method | undefined): void {
  const refuse = (why: string, hint: string): never => {
    throw new MicrorunError("invalid_argument", `${service} ${endpoint}: ${why}`, { hint });
  };
  if (!stream && type?.responseStream) refuse("its replies are a stream", "read them with client.stream");
  if (type?.requestStream && !isStream(request) && !isList(request))
    refuse("its requests are a stream", "give it an async iterable");
  if (type !== undefined && !type.requestStream && isStream(request))
    refuse("it takes one request, not a stream of them", "send them one by one");
}

/** The earlier of the two; one that is further away than a timer can be set for is none. */
function deadlineOf(timeoutMs: number | undefined, before: number | undefined): number | undefined {
  const now = Date.now();
  const ms = Math.min(timeoutMs ?? Number.POSITIVE_INFINITY, (before ?? Number.POSITIVE_INFINITY) - now);
  return ms > maxTimerMs ? undefined : now + ms;
}

function isList(value: unknown): boolean {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}
