/** Errors of REST calls: as Kratos writes them, or google.rpc.Status for clients of Google's making. */
import { errorDetails } from "../error-details.ts";
import type { MicrorunError } from "../errors.ts";
import { statuses } from "./connect-error.ts";

/** `x-goog-api-client` is what the libraries that are generated for such clients send. */
export function restError(
  error: MicrorunError,
  headers: Headers,
  status: number = statuses[error.code],
): object {
  const { code, reason = "", message, details = {} } = error;
  if (!headers.has("x-goog-api-client")) return { code: status, reason, message, metadata: details };
  const told = errorDetails(error).map(({ type, json }) => ({
    "@type": `type.googleapis.com/${type}`,
    ...json,
  }));
  return { error: { code: status, message, status: code.toUpperCase(), details: told } };
}

export function restFailure(
  error: MicrorunError,
  headers: Headers,
  status: number = statuses[error.code],
): Response {
  return new Response(JSON.stringify(restError(error, headers, status)), {
    status,
    headers: { "content-type": "application/json" },
  });
}
