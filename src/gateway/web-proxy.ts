/** Web services passed through: whole requests to an instance and its answer back, both bodies as they come. */
import { errorText, MicrorunError } from "../errors.ts";
import { isBelow } from "./checked-path.ts";
import { StatusError } from "./failure.ts";
import type { GatewayOptions, WebRoute } from "./gateway.ts";
import type { Visit } from "./visit.ts";

/** Of one connection (RFC 9110, 7.6.1): not passed on. */
const hop =
  /^(connection|expect|http2-settings|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-length)$/;

/** Statuses that have no body. */
const bodiless = new Set([101, 204, 205, 304]);

export function findRoute(
  routes: readonly WebRoute[],
  { url, path }: Pick<Visit, "url" | "path">,
): WebRoute | undefined {
  const host = url.hostname.toLowerCase();
  const fits = routes.filter(
    (route) => (route.host === undefined || route.host === host) && isBelow(path, route.prefix ?? "/"),
  );
  // a host that is named, then the longest path
  const rank = (route: WebRoute): number =>
    (route.host === undefined ? 0 : 1e6) + (route.prefix ?? "").length;
  return fits.sort((one, other) => rank(other) - rank(one))[0];
}

/** @throws StatusError 413, 502, 503, 504; MicrorunError `cancelled` */
export async function passThrough(
  visit: Visit,
  { service }: WebRoute,
  options: GatewayOptions,
): Promise<Response> {
  const { request, url, stop } = visit;
  const { upstream, maxUploadBytes, upstreamTimeoutMs, log } = options;
  visit.target = service;
  if (Number(request.headers.get("content-length") ?? 0) > maxUploadBytes) throw tooLarge(maxUploadBytes);
  const upload = uploadOf(request, maxUploadBytes);
  const except = new Set<string>();
  for (;;) {
    const address = await upstream
      .pick(service, { protocol: "http", except, call: visit.headers })
      .catch((error) => {
        log.warn(`no instance of ${service}`, { error: errorText(error) });
        throw new StatusError(503, "the service is not available");
      });
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), upstreamTimeoutMs);
    const signals = [request.signal, late.signal, ...(stop === undefined ? [] : [stop])];
    const began = performance.now();
    try {
      const response = await ask(visit, address, { url, upload, signal: AbortSignal.any(signals), options });
      upstream.report(address, undefined, performance.now() - began);
      return answered(response);
    } catch (error) {
      const left = request.signal.aborted;
      const told = left ? new MicrorunError("cancelled", "the caller left") : error;
      upstream.report(address, told, performance.now() - began);
      if (left) throw told;
      if (upload?.tooLarge()) throw tooLarge(maxUploadBytes);
      log.warn(`${service} at ${address} failed`, { error: errorText(error) });
      if (late.signal.aborted)
        throw new StatusError(504, `the service did not answer within ${upstreamTimeoutMs} ms`);
      const refused = /ConnectionRefused|ECONNREFUSED|FailedToOpenSocket/.test(
        String((error as { code?: unknown }).code),
      );
      // nothing was sent: another instance may take it
      if (refused && upload === undefined && !except.has(address)) {
        except.add(address);
        continue;
      }
      throw new StatusError(
        refused ? 503 : 502,
        refused ? "the service is not available" : "the service broke off",
      );
    } finally {
      clearTimeout(timer);
    }
  }
}

interface Upload {
  readonly body: ReadableStream<Uint8Array>;
  readonly tooLarge: () => boolean;
}

interface Asking {
  readonly url: URL;
  readonly upload: Upload | undefined;
  readonly signal: AbortSignal;
  readonly options: GatewayOptions;
}

function ask(
  { request, headers }: Visit,
  address: string,
  { url, upload, signal, options }: Asking,
): Promise<Response> {
  const tls = options.upstream.tls?.();
  const named = (headers.get("connection") ?? "").toLowerCase().split(/\s*,\s*/);
  const sent = new Headers();
  for (const [name, value] of headers) if (!hop.test(name) && !named.includes(name)) sent.append(name, value);
  sent.set("host", url.host);
  const init = {
    method: request.method,
    headers: sent,
    signal,
    redirect: "manual",
    decompress: false,
    ...(upload === undefined ? {} : { body: upload.body, duplex: "half" }),
    ...(tls === undefined ? {} : { tls }),
  };
  const target = `${tls === undefined ? "http" : "https"}://${address}${url.pathname}${url.search}`;
  return fetch(target, init as RequestInit);
}

function answered(response: Response): Response {
  const named = (response.headers.get("connection") ?? "").toLowerCase().split(/\s*,\s*/);
  const headers = new Headers();
  for (const [name, value] of response.headers)
    if (name !== "set-cookie" && !hop.test(name) && !named.includes(name)) headers.append(name, value);
  for (const cookie of response.headers.getSetCookie()) headers.append("set-cookie", cookie);
  const { status } = response;
  return new Response(bodiless.has(status) ? null : response.body, { status, headers });
}

/** Counted as it goes. Undefined: the request has none. */
function uploadOf(request: Request, maxBytes: number): Upload | undefined {
  const { body, method } = request;
  if (body === null || method === "GET" || method === "HEAD") return undefined;
  let length = 0;
  const count = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      length += chunk.length;
      if (length > maxBytes) controller.error(tooLarge(maxBytes));
      else controller.enqueue(chunk);
    },
  });
  return { body: body.pipeThrough(count), tooLarge: () => length > maxBytes };
}

function tooLarge(maxBytes: number): StatusError {
  return new StatusError(413, `the request is larger than ${maxBytes} bytes`);
}
