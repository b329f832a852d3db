/** Errors as the Connect protocol writes them: HTTP status, code, message, details (connectrpc.com/docs/protocol). */
import { errorDetails } from "../error-details.ts";
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

export function connectError(thrown: MicrorunError): ConnectError {
  const { code, message } = thrown;
  const error: ConnectError = { code: code === "cancelled" ? "canceled" : code, message };
  const details = errorDetails(thrown).map(({ type, value, json }) => ({
    type,
    value: Buffer.from(value).toString("base64").replace(/=+$/, ""),
    debug: json,
  }));
  return details.length === 0 ? error : { ...error, details };
}
