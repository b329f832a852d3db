/** What a request must say to be a call of the Connect protocol, and the answers to one that says something else. */
import type { Method } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { decompress, isPlain, readBody, wholeBody } from "./body.ts";
import { type Codec, codecNamed, codecNames, jsonCodec, mediaType } from "./codec.ts";
import { failure } from "./connect-error.ts";
import type { Answering } from "./unary.ts";

/** The request says by its content type that it is a call of Connect, not a web page's. */
export function looksLikeCall({ method, headers }: Request): boolean {
  return method === "POST" && /^application\/(connect\+)?(json|proto)$/.test(mediaType(headers));
}

/** The message of a POST; also Go Micro's way. A client that names no content type may leave an empty message out. */
export function readMessage(
  request: Request,
  method: Method,
  codec: Codec,
  { maxBodyBytes }: Answering,
): unknown {
  const encoding = request.headers.get("content-encoding");
  const whole = isPlain(encoding) ? wholeBody(request, maxBodyBytes) : undefined;
  if (whole !== undefined) return messageOf(whole, request, method, codec);
  return readBody(request, maxBodyBytes)
    .then((body) => decompress(body, encoding, maxBodyBytes))
    .then((bytes) => messageOf(bytes, request, method, codec));
}

function messageOf(bytes: Uint8Array, request: Request, method: Method, codec: Codec): unknown {
  if (!isBare(mediaType(request.headers))) return codec.decode(method, bytes);
  if (bytes.length === 0) return codec.decode(method, new TextEncoder().encode("{}"));
  const start = bytes.find((byte) => byte > 0x20);
  if (start !== 0x7b)
    throw new MicrorunError(
      "invalid_argument",
      "request body: no content type of a call, and it does not start with {",
      {
        hint: "send it with content-type: application/json",
      },
    );
  return codec.decode(method, bytes);
}

/** What `curl -d` and `fetch` send for a text, or a client that says nothing. */
export function isBare(type: string): boolean {
  return type === "" || type === "application/x-www-form-urlencoded" || type === "text/plain";
}

/** A page of another origin may send a form without asking: it cannot be told from `curl -d` but for these fields. */
export function isForeign(headers: Headers, { trusts }: Pick<Answering, "trusts">): boolean {
  const site = headers.get("sec-fetch-site");
  const origin = headers.get("origin");
  if (origin !== null && trusts(origin)) return false;
  return site === null ? origin !== null : site !== "same-origin" && site !== "none";
}

/** Undefined: this content type is none of the method's. */
export function codecOf(
  headers: Headers,
  method: Method,
  answering: Pick<Answering, "trusts">,
): Codec | undefined {
  const type = mediaType(headers);
  const stream = method.requestStream || method.responseStream;
  if (!stream && type === "application/json") return jsonCodec;
  if (!stream && isBare(type) && !isForeign(headers, answering)) return jsonCodec;
  const [, connect, name = ""] = /^application\/(connect\+)?(json|proto)$/.exec(type) ?? [];
  return stream === (connect !== undefined) ? codecNamed(name, method) : undefined;
}

/** @throws MicrorunError `invalid_argument` */
export function checkVersion({ headers, method, url }: Request): void {
  const version = headers.get("connect-protocol-version");
  if (version !== null && version !== "1")
    throw new MicrorunError("invalid_argument", `connect-protocol-version ${version}: only 1 is supported`);
  const asked = method !== "POST" ? new URL(url).searchParams.get("connect") : null;
  if (asked !== null && asked !== "v1")
    throw new MicrorunError("invalid_argument", `connect=${asked}: only v1 is supported`);
}

/** @throws MicrorunError `invalid_argument` */
export function readTimeout(headers: Headers): number | undefined {
  const text = headers.get("connect-timeout-ms");
  if (text === null) return undefined;
  if (!/^\d{1,10}$/.test(text))
    throw new MicrorunError("invalid_argument", `connect-timeout-ms ${text}: not a number of milliseconds`);
  return Number(text);
}

export function wrongMethod(method: Method): Response {
  const allow =
    method.idempotent && !method.requestStream && !method.responseStream ? "GET, HEAD, POST" : "POST";
  const response = failure(new MicrorunError("unimplemented", `${full(method)}: call it by ${allow}`), 405);
  response.headers.set("allow", allow);
  return response;
}

export function wrongType(headers: Headers, method: Method): Response {
  const stream = method.requestStream || method.responseStream;
  const types = codecNames(method).map((name) => `application/${stream ? "connect+" : ""}${name}`);
  const given = mediaType(headers) || "none";
  const what = stream ? `${full(method)} streams and takes` : `${full(method)} takes`;
  const why = `content-type ${given}: ${what} ${types.join(" or ")}`;
  const response = failure(new MicrorunError("unimplemented", why), 415);
  response.headers.set("accept-post", types.join(", "));
  return response;
}

export function full({ service, name }: Method): string {
  return `${service}/${name}`;
}
