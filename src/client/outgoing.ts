/** What is asked of a client, as a call that connections take: names, messages, metadata, deadline. */
import { parseAddress } from "../address.ts";
import type { Call, MessageType } from "../call.ts";
import { maxTimerMs } from "../wait.ts";
import { type Asked, unsaid } from "./asked.ts";
import type { CallOptions } from "./client.ts";
import { createMetadata } from "./metadata.ts";
import type { Methods } from "./methods.ts";
import { checkOptions, type Kinds, kinds } from "./options.ts";
import { createRequests, type Requests } from "./requests.ts";
import { createRoutes } from "./routes.ts";

const defaultTimeoutMs = 5000;

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

/** For callers who have neither a call nor a signal of their own to end it. */
const unending = new AbortController().signal;

/** @throws MicrorunError `invalid_argument` where what is asked makes no sense */
export type OutgoingOf = (asked: Asked, origin: Origin | undefined) => Outgoing;

export function createOutgoing(options: OutgoingOptions): OutgoingOf {
  const routes = createRoutes(options.methods);
  const metadata = createMetadata(options.from);
  return (asked, origin) => {
    const { service, endpoint, request, how, stream } = asked;
    if (how !== unsaid) {
      checkOptions(`${service} ${endpoint}`, how, table);
      if (how.address !== undefined) parseAddress(how.address);
    }
    const type = routes(asked);
    const requests = type.requestStream ? createRequests(request) : undefined;
    const timeoutMs = how.timeoutMs ?? (stream ? undefined : (options.requestTimeoutMs ?? defaultTimeoutMs));
    const deadline = deadlineOf(timeoutMs, origin?.deadline);
    const call: Call = {
      service: type.service,
      method: type.name,
      request: requests?.stream ?? said(request, type.request),
      metadata: metadata(origin?.metadata, how.metadata),
      signal: eitherSignal(how.signal, origin?.signal),
      type,
    };
    return { call: deadline === undefined ? call : { ...call, deadline }, requests };
  };
}

/** Nothing is an empty message; null is a value where JSON's null is one. */
function said(request: unknown, { name }: MessageType): unknown {
  return request === null && name === "google.protobuf.Value" ? null : (request ?? {});
}

function eitherSignal(own: AbortSignal | undefined, before: AbortSignal | undefined): AbortSignal {
  if (own === undefined) return before ?? unending;
  return before === undefined ? own : AbortSignal.any([own, before]);
}

/** The earlier of the two; one that is further away than a timer can be set for is none. */
function deadlineOf(timeoutMs: number | undefined, before: number | undefined): number | undefined {
  const now = Date.now();
  const ms = Math.min(timeoutMs ?? Number.POSITIVE_INFINITY, (before ?? Number.POSITIVE_INFINITY) - now);
  return ms > maxTimerMs ? undefined : now + ms;
}
