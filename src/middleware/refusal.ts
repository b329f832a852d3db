/** What a refusal of a web request looks like, and what HTTP has fields for of one of a call. */
import type { MicrorunError } from "../errors.ts";
import { toMicroError } from "../micro-error.ts";

export function refusal(error: MicrorunError): Response {
  return new Response(`${error.message}\n`, {
    status: statusOf(error),
    headers: { "content-type": "text/plain; charset=utf-8", ...refusalFields(error) },
  });
}

export function statusOf(error: MicrorunError): number {
  return error.code === "deadline_exceeded" ? 504 : toMicroError(error, "").code;
}

/** What HTTP has fields for (RFC 6750, RFC 9110). */
export function refusalFields({ code, retryMs }: MicrorunError): Readonly<Record<string, string>> {
  return {
    ...(code === "unauthenticated" ? { "www-authenticate": "Bearer" } : {}),
    ...(retryMs === undefined ? {} : { "retry-after": String(Math.max(1, Math.ceil(retryMs / 1000))) }),
  };
}
