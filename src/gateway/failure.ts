/** What went wrong, as Go Micro's gateway answers it: the error's JSON as text, its code as the status. */
import { MicrorunError } from "../errors.ts";
import { type MicroError, microErrorJson, toMicroError } from "../micro-error.ts";
import { unknownWords } from "../selector/selector.ts";

/** Go Micro's name of itself in errors of its own. */
export const gatewayId = "go.micro.api";

/** A status that no gRPC code stands for. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;

  constructor(status: number, message: string, fields: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
  }
}

/** A path or a service that nobody has. */
export class NoRouteError extends Error {
  override readonly name = "NoRouteError";
}

const reasons: Readonly<Record<number, string>> = {
  400: "Bad Request",
  405: "Method Not Allowed",
  413: "Request Entity Too Large",
  426: "Upgrade Required",
  429: "Too Many Requests",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** As Go Micro's gateway has it. */
const noRoute: MicroError = {
  id: "",
  code: 500,
  detail: "not found",
  status: "Internal Server Error",
};

/** What whoever called may read. */
export function microErrorOf(thrown: unknown, id: string = gatewayId): MicroError {
  if (thrown instanceof NoRouteError) return noRoute;
  if (thrown instanceof StatusError)
    return { id, code: thrown.status, detail: thrown.message, status: reasons[thrown.status] ?? "" };
  const error = MicrorunError.from(thrown);
  const { code, unsent, message } = error;
  if (code === "unavailable" && unsent && /^service \S+: /.test(message) && message.includes(unknownWords))
    return noRoute;
  // where a service is, is not told
  if (unsent) return toMicroError(new MicrorunError(code, "the service cannot be reached"), id);
  const told = message.replace(/^\S+:\d+: /, "");
  const { reason } = error;
  const plain = new MicrorunError(code, told, reason === undefined ? {} : { reason });
  return toMicroError(plain, id);
}

export function failure(error: MicroError, fields: Readonly<Record<string, string>> = {}): Response {
  return new Response(microErrorJson(error), {
    status: error.code >= 400 && error.code <= 599 ? error.code : 500,
    headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff", ...fields },
  });
}
