/** What is asked of a client, as a call that connections take: names, messages, metadata, deadline. */
import { type Call, jsonMethod, type Method } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { isStream } from "../iteration.ts";
import type { CallOptions } from "./client.ts";
import { type Methods, type Names, nameParts } from "./methods.ts";
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

/** Says something of one connection only: not carried on. */
const notCarried =
  /^(:|accept|connect(ion)?-?|content-|grpc-|host$|keep-alive$|te$|timeout$|trailer$|transfer-encoding$|upgrade$|user-agent$|x-content-type$|micro-from-service$)/;

/** @throws MicrorunError `invalid_argument` where what is asked makes no sense */
export function outgoing(asked: Asked, options: OutgoingOptions, origin: Origin | undefined): Outgoing {
  const { service, endpoint, request, how, stream } = asked;
  const names = nameParts(service, endpoint);
  const type = typeOf(asked, names, options.methods);
  checkKind(asked, type);
  const requests = type?.requestStream ? createRequests(request) : undefined;
  const timeoutMs = how.timeoutMs ?? (stream ? undefined : (options.requestTimeoutMs ?? defaultTimeoutMs));
  const deadline = Math.min(
    origin?.deadline ?? Number.POSITIVE_INFINITY,
    Date.now() + (timeoutMs ?? Number.POSITIVE_INFINITY),
  );
  const signals = [how.signal, origin?.signal].filter((signal) => signal !== undefined);
  const call: Call = {
    service: type?.service ?? names.service,
    method: type?.name ?? names.method,
    request: requests?.stream ?? request ?? {},
    metadata: metadataOf(how, options.from, origin),
    signal: signals.length === 1 ? signals[0]! : AbortSignal.any(signals),
    ...(Number.isFinite(deadline) ? { deadline } : {}),
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

function metadataOf(how: CallOptions, from: string, origin: Origin | undefined): Headers {
  const metadata = new Headers();
  for (const [key, value] of origin?.metadata ?? []) if (!notCarried.test(key)) metadata.set(key, value);
  for (const [key, value] of Object.entries(how.metadata ?? {})) metadata.set(key, value);
  metadata.set("micro-from-service", from);
  return metadata;
}

function isList(value: unknown): boolean {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}
