/** The Connect protocol for unary calls, by POST and GET (connectrpc.com/docs/protocol); plain JSON clients speak it unawares. */
import type { Method } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { Endpoint } from "../service/service.ts";
import { compress, decompress, readBody } from "./body.ts";
import { type Codec, codecNamed, codecNames, jsonCodec, mediaType } from "./codec.ts";
import { connectError, connectStatus } from "./connect-error.ts";
import { serveStream } from "./connect-stream.ts";
import { type Answering, type Arrival, addMetadata, callUnary, type Outcome } from "./unary.ts";

const jsonType = "application/json";

/** The request says by its content type that it is a call, not a web page's. */
export function looksLikeCall({ method, headers }: Request): boolean {
  return method === "POST" && /^application\/(connect\+)?(json|proto)$/.test(mediaType(headers));
}

export async function serveConnect(
  arrival: Arrival,
  endpoint: Endpoint,
  answering: Answering,
): Promise<Response> {
  const { request } = arrival;
  const { method } = endpoint;
  const stream = method.requestStream || method.responseStream;
  const byGet = request.method === "GET" && method.idempotent && !stream;
  if (request.method !== "POST" && !byGet) return wrongMethod(method);
  try {
    checkVersion(request);
    const timeoutMs = readTimeout(request.headers);
    if (byGet) return await serveGet(arrival, endpoint, timeoutMs, answering);
    const codec = codecOf(request.headers, method);
    if (codec === undefined) return wrongType(request.headers, method);
    if (stream) return await serveStream(arrival, { endpoint, codec, timeoutMs }, answering);
    return await servePost(arrival, endpoint, codec, timeoutMs, answering);
  } catch (error) {
    return failure(MicrorunError.from(error));
  }
}

/** An answer in Connect's form to a call that found no method. */
export function failure(error: MicrorunError, status: number = connectStatus(error.code)): Response {
  return Response.json(connectError(error), { status });
}

async function servePost(
  arrival: Arrival,
  endpoint: Endpoint,
  codec: Codec,
  timeoutMs: number | undefined,
  answering: Answering,
): Promise<Response> {
  const { headers } = arrival.request;
  const read = (): Promise<unknown> => readMessage(arrival.request, endpoint.method, codec, answering);
  const outcome = await callUnary(arrival, { endpoint, codec, timeoutMs, read }, answering);
  return respond(outcome, codec, headers.get("accept-encoding"));
}

/** The message of a POST; also Go Micro's way. A client that names no content type may leave an empty message out. */
export async function readMessage(
  request: Request,
  method: Method,
  codec: Codec,
  { maxBodyBytes }: Answering,
): Promise<unknown> {
  const body = await readBody(request, maxBodyBytes);
  const bytes = await decompress(body, request.headers.get("content-encoding"), maxBodyBytes);
  if (!isBare(mediaType(request.headers))) return codec.decode(method, bytes);
  if (bytes.length === 0) return codec.decode(method, new TextEncoder().encode("{}"));
  const start = bytes.find((byte) => byte > 0x20);
  if (start !== 0x7b)
    throw new MicrorunError(
      "invalid_argument",
      "request body: no content type of a call, and it does not start with {",
      {
        hint: `send it with content-type: ${jsonType}`,
      },
    );
  return codec.decode(method, bytes);
}

/** What `curl -d` and `fetch` send for a text, or a client that says nothing. */
export function isBare(type: string): boolean {
  return type === "" || type === "application/x-www-form-urlencoded" || type === "text/plain";
}

/** A page of another origin may send a form without asking: it cannot be told from `curl -d` but for these fields. */
export function isForeign(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site");
  return site === null ? headers.has("origin") : site !== "same-origin" && site !== "none";
}

function codecOf(headers: Headers, method: Method): Codec | undefined {
  const type = mediaType(headers);
  const stream = method.requestStream || method.responseStream;
  if (!stream && isBare(type) && !isForeign(headers)) return jsonCodec;
  const [, connect, name = ""] = /^application\/(connect\+)?(json|proto)$/.exec(type) ?? [];
  return stream === (connect !== undefined) ? codecNamed(name, method) : undefined;
}

async function serveGet(
  arrival: Arrival,
  endpoint: Endpoint,
  timeoutMs: number | undefined,
  answering: Answering,
): Promise<Response> {
  const { method } = endpoint;
  const query = new URL(arrival.request.url).searchParams;
  const codec = codecNamed(query.get("encoding") ?? "json", method);
  if (codec === undefined)
    throw new MicrorunError(
      "unimplemented",
      `encoding ${query.get("encoding")}: ${full(method)} takes ${codecNames(method).join(" and ")}`,
    );
  const read = async (): Promise<unknown> => {
    const message = query.get("message");
    if (message === null)
      throw new MicrorunError("invalid_argument", "query: the parameter message is missing", {
        hint: "send ?encoding=json&message={}",
      });
    const bytes = Buffer.from(message, query.get("base64") === "1" ? "base64url" : "utf8");
    return codec.decode(method, await decompress(bytes, query.get("compression"), answering.maxBodyBytes));
  };
  const outcome = await callUnary(arrival, { endpoint, codec, timeoutMs, read }, answering);
  return respond(outcome, codec, arrival.request.headers.get("accept-encoding"));
}

async function respond(outcome: Outcome, codec: Codec, accepted: string | null): Promise<Response> {
  const { reply, error, header, trailer } = outcome;
  const response = reply === undefined ? failed(outcome) : await succeeded(reply, codec, accepted);
  addMetadata(response.headers, header);
  addMetadata(response.headers, trailer, "trailer-");
  if (error?.code === "unavailable") response.headers.set("retry-after", "1");
  return response;
}

function failed({ error, refused }: Outcome): Response {
  const why = MicrorunError.from(error);
  return refused && why.code === "resource_exhausted" ? failure(why, 413) : failure(why);
}

async function succeeded(reply: Uint8Array, codec: Codec, accepted: string | null): Promise<Response> {
  const packed = await compress(reply, accepted);
  const body = packed ?? reply;
  const headers: Record<string, string> = {
    "content-type": `application/${codec.name}`,
    "content-length": String(body.length),
  };
  if (packed !== undefined) Object.assign(headers, { "content-encoding": "gzip", vary: "accept-encoding" });
  return new Response(body as Uint8Array<ArrayBuffer>, { headers });
}

/** @throws MicrorunError `invalid_argument` */
function checkVersion({ headers, method, url }: Request): void {
  const version = headers.get("connect-protocol-version");
  if (version !== null && version !== "1")
    throw new MicrorunError("invalid_argument", `connect-protocol-version ${version}: only 1 is supported`);
  const asked = method === "GET" ? new URL(url).searchParams.get("connect") : null;
  if (asked !== null && asked !== "v1")
    throw new MicrorunError("invalid_argument", `connect=${asked}: only v1 is supported`);
}

/** @throws MicrorunError `invalid_argument` */
function readTimeout(headers: Headers): number | undefined {
  const text = headers.get("connect-timeout-ms");
  if (text === null) return undefined;
  if (!/^\d{1,10}$/.test(text))
    throw new MicrorunError("invalid_argument", `connect-timeout-ms ${text}: not a number of milliseconds`);
  return Number(text);
}

function wrongMethod(method: Method): Response {
  const allow = method.idempotent && !method.requestStream && !method.responseStream ? "GET, POST" : "POST";
  const response = failure(new MicrorunError("unimplemented", `${full(method)}: call it by ${allow}`), 405);
  response.headers.set("allow", allow);
  return response;
}

function wrongType(headers: Headers, method: Method): Response {
  const stream = method.requestStream || method.responseStream;
  const types = codecNames(method).map((name) => `application/${stream ? "connect+" : ""}${name}`);
  const given = mediaType(headers) || "none";
  const what = stream ? `${full(method)} streams and takes` : `${full(method)} takes`;
  const why = `content-type ${given}: ${what} ${types.join(" or ")}`;
  const response = failure(new MicrorunError("unimplemented", why), 415);
  response.headers.set("accept-post", types.join(", "));
  return response;
}

function full({ service, name }: Method): string {
  return `${service}/${name}`;
}
