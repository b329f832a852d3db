/** Go Micro's error: `{id, code, detail, status}` with an HTTP code (go-micro `errors.Error`; INTEROP: v1, v2 and v5 alike). */
import type { Code, MicrorunError } from "./errors.ts";

export interface MicroError {
  id: string;
  /** An HTTP status. */
  code: number;
  detail: string;
  /** The HTTP reason phrase of `code`. */
  status: string;
}

/** gRPC code → HTTP status, so that go-micro's own table (code → grpc-status) gives the gRPC code back where it has one. */
const httpStatus: Record<Code, number> = {
  cancelled: 499,
  unknown: 500,
  invalid_argument: 400,
  deadline_exceeded: 408,
  not_found: 404,
  already_exists: 409,
  permission_denied: 403,
  resource_exhausted: 429,
  failed_precondition: 412,
  aborted: 409,
  out_of_range: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  data_loss: 500,
  unauthenticated: 401,
};

/** go-micro's table, HTTP status → gRPC code; anything else is `unknown`. */
const grpcCode: Record<number, Code> = {
  400: "invalid_argument",
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
  408: "deadline_exceeded",
  409: "already_exists",
  412: "failed_precondition",
  429: "resource_exhausted",
  499: "cancelled",
  500: "internal",
  501: "unimplemented",
  503: "unavailable",
  504: "deadline_exceeded",
};

/** Go's http.StatusText for the codes above. */
const reasons: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  408: "Request Timeout",
  409: "Conflict",
  412: "Precondition Failed",
  429: "Too Many Requests",
  499: "",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
};

/** @param id `error.reason`, else this: by Go Micro's custom the service's name */
export function toMicroError(error: MicrorunError, id: string): MicroError {
  const code = httpStatus[error.code];
  return { id: error.reason ?? id, code, detail: error.message, status: reasons[code] ?? "" };
}

/** The JSON as Go writes it: this order of keys, `<`, `>` and `&` escaped. */
export function microErrorJson(error: MicroError): string {
  const { id, code, detail, status } = error;
  return JSON.stringify({ id, code, detail, status }).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The gRPC code of a go-micro error's HTTP status. */
export function microErrorCode(httpCode: number): Code {
  return grpcCode[httpCode] ?? "unknown";
}
