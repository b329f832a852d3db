/** How a call ends: MicrorunError ↔ grpc-status, grpc-message and grpc-status-details-bin, in the form that the caller can read. */
import { richDetails } from "../error-details.ts";
import { codeName, codes, MicrorunError } from "../errors.ts";
import { encodeText } from "../grpc-fields.ts";
import { type MicroError, microErrorCode, microErrorJson, toMicroError } from "../micro-error.ts";
import { microErrorDetails, readDetails } from "./details.ts";
import type { Fields } from "./metadata.ts";

export interface Status {
  readonly code: number;
  readonly message: string;
  /** A serialized google.rpc.Status. */
  readonly details?: Uint8Array;
  /** What to do about trouble with a connection; never sent. */
  readonly hint?: string;
}

/** The field that carries `details`, in base64. */
export const detailsField = "grpc-status-details-bin";

export const okStatus: Status = { code: 0, message: "" };

/** What our own clients are called in `user-agent`: they read every form. */
export const userAgent = "microrun";

/** What callers take of header fields, where they have not said: grpc-java's default. */
const usualFieldBytes = 8192;

/** Of what they take an error is sent no more than in this, however much it is. */
const mostFieldBytes = 16_384;

/** What of it may be error text, and what details, as they travel; the rest is other fields'. */
const messageShare = 3 / 8;
const detailsShare = 1 / 2;

/** Details with less of the message are worth less than the message alone. */
const minMessageBytes = 256;

/** Of one UTF-16 unit, percent-encoded. */
const maxUnitBytes = 9;

/** Go Micro's clients lose an error whose details they cannot link, and read theirs only. */
export function speaksMicro(headers: Fields): boolean {
  if (String(headers["user-agent"] ?? "").startsWith(`${userAgent}/`)) return false;
  if (headers["x-content-type"] !== undefined) return true;
  if (headers["content-type"] === "application/grpc+proto" && headers.timeout !== undefined) return true;
  for (const key in headers) if (key.startsWith("micro-")) return true;
  return false;
}

/**
 * Within what the caller takes: texts are shortened, details that are too large left out.
 * @param id of a Go Micro error without a reason: the service's name
 * @param fieldBytes what the caller takes of header fields; infinite: it has not said
 */
export function toStatus(
  error: MicrorunError,
  micro: boolean,
  id: string,
  fieldBytes: number = Number.POSITIVE_INFINITY,
): Status {
  const most = Number.isFinite(fieldBytes) ? Math.min(fieldBytes, mostFieldBytes) : usualFieldBytes;
  const maxMessageBytes = most * messageShare;
  const maxDetailsBytes = most * detailsShare;
  if (micro) {
    const body = shortMicro(toMicroError(error, id), maxMessageBytes);
    const code = codes[microErrorCode(body.code)];
    const message = microErrorJson(body);
    const details = microErrorDetails(code, message, body);
    // the message says it all
    return base64Bytes(details) > maxDetailsBytes ? { code, message } : { code, message, details };
  }
  const message = longest(sendable(error.message, maxMessageBytes), (text) => fits(text, maxMessageBytes));
  const code = codes[error.code];
  const details = shortDetails(error, message, maxDetailsBytes);
  return details === undefined ? { code, message } : { code, message, details };
}

/** They hold the message again, less of it if need be. Undefined: there are none, or they are too large. */
function shortDetails(error: MicrorunError, message: string, maxBytes: number): Uint8Array | undefined {
  const whole = richDetails(error, message);
  if (whole.length === 0) return undefined;
  if (base64Bytes(whole) <= maxBytes) return whole;
  const room = Math.floor(maxBytes / 4) * 3 - (whole.length - Buffer.byteLength(message));
  // grpc-go reads this one, not the other
  if (room < minMessageBytes) return undefined;
  return richDetails(
    error,
    longest(message, (text) => Buffer.byteLength(text) <= room),
  );
}

/** The same message in so many bytes, percent-encoded; Go Micro's stays JSON. */
export function shortMessage(message: string, maxBytes: number): string {
  if (fits(message, maxBytes)) return message;
  const micro = microInText(message);
  const json = micro === undefined ? "" : microErrorJson(shortMicro(micro, maxBytes));
  return json !== "" && fits(json, maxBytes) ? json : longest(message, (text) => fits(text, maxBytes));
}

function shortMicro(error: MicroError, maxBytes: number): MicroError {
  const whole = { ...error, detail: sendable(error.detail, maxBytes) };
  const isShort = (short: MicroError): boolean => fits(microErrorJson(short), maxBytes);
  const named = isShort({ ...whole, detail: "" }) ? whole : { ...whole, id: "" };
  return { ...named, detail: longest(named.detail, (detail) => isShort({ ...named, detail })) };
}

/** None of it is lost that could be sent: each unit is a byte at least. */
function sendable(text: string, maxBytes: number): string {
  return text.slice(0, maxBytes).toWellFormed();
}

/** The longest beginning of a text that passes. */
function longest(text: string, passes: (beginning: string) => boolean): string {
  if (passes(text)) return text;
  const beginning = (length: number): string =>
    text.slice(0, /[\ud800-\udbff]/.test(text[length - 1] ?? "") ? length - 1 : length);
  let good = 0;
  for (let bad = text.length; bad - good > 1; ) {
    const length = (good + bad) >> 1;
    if (passes(beginning(length))) good = length;
    else bad = length;
  }
  return beginning(good);
}

function fits(text: string, maxBytes: number): boolean {
  return (
    text.length * maxUnitBytes <= maxBytes || (text.length <= maxBytes && encodeText(text).length <= maxBytes)
  );
}

function base64Bytes({ length }: Uint8Array): number {
  return Math.ceil(length / 3) * 4;
}

/** What peers said, by the errors that came of it: calls that are passed on end as they said. */
const received = new WeakMap<MicrorunError, Status>();

/** Undefined: the error is none of a peer's. */
export function receivedStatus(error: MicrorunError): Status | undefined {
  return received.get(error);
}

/** What a peer's status means: go-micro's v1, v2 and v5, Kratos', and plain ones. */
export function fromStatus(status: Status): MicrorunError {
  const error = errorOf(status);
  received.set(error, status);
  return error;
}

function errorOf({ code, message, details }: Status): MicrorunError {
  const found = details === undefined ? {} : readDetails(details);
  const micro = found.micro ?? microInText(message);
  if (micro !== undefined) {
    const own = microErrorCode(micro.code);
    const reason = micro.id === "" ? {} : { reason: micro.id };
    return new MicrorunError(own === "unknown" ? codeName(code) : own, micro.detail, reason);
  }
  return new MicrorunError(codeName(code), message, found.info);
}

function microInText(message: string): MicroError | undefined {
  if (!message.startsWith("{")) return undefined;
  try {
    const { id, code, detail, status } = JSON.parse(message) as Partial<MicroError>;
    if (typeof code !== "number" || code <= 0) return undefined;
    return { id: String(id ?? ""), code, detail: String(detail ?? ""), status: String(status ?? "") };
  } catch {
    return undefined;
  }
}
