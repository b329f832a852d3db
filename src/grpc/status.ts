/** How a call ends: MicrorunError ↔ grpc-status, grpc-message and grpc-status-details-bin, in the form that the caller can read. */
import { codeName, codes, MicrorunError } from "../errors.ts";
import { type MicroError, microErrorCode, microErrorJson, toMicroError } from "../micro-error.ts";
import { microErrorDetails, readDetails, richDetails } from "./details.ts";
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

/** The longest error text sent, in characters: it travels in header fields, twice for Go Micro. */
const maxText = 4096;

/** Details larger than this are not sent: callers limit the size of header fields. */
const maxDetailsBytes = 8192;

/** Go Micro's clients lose an error whose details they cannot link, and read theirs only. */
export function speaksMicro(headers: Fields): boolean {
  if (String(headers["user-agent"] ?? "").startsWith(`${userAgent}/`)) return false;
  if (headers["x-content-type"] !== undefined) return true;
  if (headers["content-type"] === "application/grpc+proto" && headers.timeout !== undefined) return true;
  for (const key in headers) if (key.startsWith("micro-")) return true;
  return false;
}

/** @param id of a Go Micro error without a reason: the service's name */
export function toStatus(error: MicrorunError, micro: boolean, id: string): Status {
  const message = error.message.slice(0, maxText).toWellFormed();
  if (micro) {
    const body = { ...toMicroError(error, id), detail: message };
    const code = codes[microErrorCode(body.code)];
    const text = microErrorJson(body);
    return { code, message: text, details: microErrorDetails(code, text, body) };
  }
  const code = codes[error.code];
  const details = richDetails(code, message, error);
  return details.length === 0 || details.length > maxDetailsBytes
    ? { code, message }
    : { code, message, details };
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
