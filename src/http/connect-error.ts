/** Errors as the Connect protocol writes them: HTTP status, code, message, details (connectrpc.com/docs/protocol). */
import type { Code, MicrorunError } from "../errors.ts";

export const statuses: Readonly<Record<Code, number>> = {
  cancelled: 499,
  unknown: 500,
  invalid_argument: 400,
  deadline_exceeded: 504,
  not_found: 404,
  already_exists: 409,
  permission_denied: 403,
  resource_exhausted: 429,
  failed_precondition: 400,
  aborted: 409,
  out_of_range: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  data_loss: 500,
  unauthenticated: 401,
};

export interface ConnectError {
  code: string;
  message: string;
  details?: { type: string; value: string; debug: unknown }[];
}

/** An answer in Connect's form to a call that found no method. */
export function failure(error: MicrorunError, status: number = statuses[error.code]): Response {
  // clients compare the type as it is written, and Response.json names a charset on Bun
  return new Response(JSON.stringify(connectError(error)), {
    status,
    headers: { "content-type": "application/json" },
  });
}

export function connectError({ code, message, reason, details }: MicrorunError): ConnectError {
  const error: ConnectError = { code: code === "cancelled" ? "canceled" : code, message };
  if (reason === undefined && details === undefined) return error;
  const value = errorInfo(reason, details).toString("base64").replace(/=+$/, "");
  const debug = {
    ...(reason === undefined ? {} : { reason }),
    ...(details === undefined ? {} : { metadata: details }),
  };
  return { ...error, details: [{ type: "google.rpc.ErrorInfo", value, debug }] };
}

/** google.rpc.ErrorInfo{reason=1, domain=2, metadata=3 map} in protobuf's bytes. */
function errorInfo(reason: string | undefined, details: MicrorunError["details"]): Buffer {
  const entries = Object.entries(details ?? {}).map(([key, value]) =>
    field(3, Buffer.concat([field(1, key), field(2, value)])),
  );
  return Buffer.concat([...(reason === undefined ? [] : [field(1, reason)]), ...entries]);
}

/** A length-delimited field: tag, length as a varint, bytes. */
function field(number: number, content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as string);
  const head = [(number << 3) | 2];
  let length = bytes.length;
  for (; length > 0x7f; length >>>= 7) head.push((length & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([...head, length]), bytes]);
}
