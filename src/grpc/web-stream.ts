/** An HTTP/2 stream that is no gRPC call, answered by a fetch handler: JSON and web clients on gRPC's own port. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Fetch } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Fields } from "./metadata.ts";

export interface WebStreamOptions {
  readonly fetch: Fetch;
  readonly peer: string | undefined;
  readonly secure: boolean;
  readonly log: Log;
}

/** Fields of HTTP/1 connections, which HTTP/2 forbids. */
const connectionField =
  /^(connection|http2-settings|keep-alive|proxy-connection|te|transfer-encoding|upgrade)$/;

/** How much of a request is still taken after it was answered, in bytes; not every client understands NO_ERROR. */
export const maxIgnoredBytes = 1_048_576;

/** RST_STREAM's NO_ERROR: the answer stands, send no more. */
const resetNone = 0;
/** RST_STREAM's INTERNAL_ERROR */
const resetInternal = 2;

export const cancelled = (): MicrorunError =>
  new MicrorunError("cancelled", "the caller cancelled the request");

/** Resolves when the stream is over. Never rejects. */
export async function serveWebStream(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  { fetch, peer, secure, log }: WebStreamOptions,
): Promise<void> {
  const closed = new AbortController();
  const over = new Promise<void>((resolve) => {
    stream.once("finish", () => {
      if (!stream.readableEnded) ignoreRest(stream);
      resolve();
    });
    stream.once("close", () => {
      closed.abort(cancelled());
      resolve();
    });
  });
  // a "close" follows each
  stream.on("error", () => {});
  let request: Request;
  try {
    request = requestOf(stream, headers, secure, closed.signal);
  } catch {
    stream.respond({ ":status": 400 }, { endStream: true });
    return over;
  }
  const answer = async (): Promise<void> => {
    try {
      await send(stream, await fetch(request, peer), request.method === "HEAD", closed.signal);
    } catch (error) {
      if (closed.signal.aborted) return;
      log.error(`${request.method} ${headers[":path"]} failed`, { error });
      if (stream.headersSent) stream.close(resetInternal);
      else stream.respond({ ":status": 500 }, { endStream: true });
    }
  };
  // it may never settle: the stream's end is the end
  void answer();
  return over;
}

/** What of a request its head says, whatever engine it came through. @throws TypeError for a head that makes no URL */
export function requestInit(
  headers: Fields,
  secure: boolean,
): { readonly url: string; readonly method: string; readonly fields: Headers } {
  const fields = new Headers();
  for (const [key, value] of Object.entries(headers)) {
    if (key.startsWith(":") || value === undefined || connectionField.test(key)) continue;
    for (const one of Array.isArray(value) ? value : [value]) fields.append(key, one);
  }
  const authority = headers[":authority"] ?? headers.host ?? "localhost";
  const url = new URL(`${secure ? "https" : "http"}://${authority}${headers[":path"]}`).href;
  return { url, method: String(headers[":method"] ?? "GET"), fields };
}

/** Those of a response that HTTP/2 may carry, flat. */
export function responseFields({ headers }: Response): string[] {
  const fields: string[] = [];
  for (const [key, value] of headers)
    if (key !== "set-cookie" && !connectionField.test(key)) fields.push(key, value);
  for (const cookie of headers.getSetCookie()) fields.push("set-cookie", cookie);
  return fields;
}

function requestOf(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  secure: boolean,
  signal: AbortSignal,
): Request {
  const { url, method, fields } = requestInit(headers, secure);
  if (method === "GET" || method === "HEAD") {
    stream.resume();
    return new Request(url, { method, headers: fields, signal });
  }
  const init = { method, headers: fields, signal, body: bodyOf(stream), duplex: "half" };
  return new Request(url, init as RequestInit);
}

/** Read as far as somebody reads it. */
function bodyOf(stream: ServerHttp2Stream): ReadableStream<Uint8Array> {
  let open = true;
  return new ReadableStream({
    start(controller) {
      const end = (how: () => void) => (): void => {
        if (open) how();
        open = false;
      };
      stream.on("data", (chunk: Buffer) => {
        if (!open) return;
        controller.enqueue(chunk);
        if ((controller.desiredSize ?? 0) <= 0) stream.pause();
      });
      stream.once(
        "end",
        end(() => controller.close()),
      );
      const leave = end(() => controller.error(cancelled()));
      stream.once("finish", leave);
      stream.once("close", leave);
      stream.pause();
    },
    pull() {
      stream.resume();
    },
    cancel() {
      open = false;
      stream.resume();
    },
  });
}

/** It was answered before it was read: what its caller may still send interests nobody. */
function ignoreRest(stream: ServerHttp2Stream): void {
  let ignoredBytes = 0;
  stream.on("data", (chunk: Buffer) => {
    ignoredBytes += chunk.length;
    if (ignoredBytes > maxIgnoredBytes) stream.close(resetNone);
  });
  stream.resume();
}

async function send(
  stream: ServerHttp2Stream,
  response: Response,
  bodiless: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { body } = response;
  if (signal.aborted) return body?.cancel();
  const fields: OutgoingHttpHeaders = { ":status": response.status };
  for (const [key, value] of response.headers)
    if (key !== "set-cookie" && !connectionField.test(key)) fields[key] = value;
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) fields["set-cookie"] = cookies;
  if (body === null || bodiless) {
    stream.respond(fields, { endStream: true });
    return body?.cancel();
  }
  stream.respond(fields);
  const reader = body.getReader();
  signal.addEventListener("abort", () => void reader.cancel(signal.reason).catch(() => {}), { once: true });
  for (;;) {
    const { done, value } = await reader.read();
    if (signal.aborted) return;
    if (done) break;
    if (!stream.write(value)) await drained(stream);
  }
  stream.end();
}

function drained(stream: ServerHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      stream.off("drain", go).off("close", go);
      resolve();
    };
    stream.on("drain", go).on("close", go);
  });
}
