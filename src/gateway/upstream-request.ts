/** A request as it goes on to a web service, and the service's answer as it goes back: without what is of one connection alone. */

import { StatusError } from "./failure.ts";
import type { GatewayOptions, UpstreamTls } from "./gateway.ts";
import { ofOneConnection, type Visit } from "./visit.ts";

/** Of one connection (RFC 9110, 7.6.1). */
const hop = /^(expect|http2-settings|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/;

/** Statuses that have no body. */
const bodiless = new Set([204, 205, 304]);

/** A body that is known to be no larger is read before it goes on: it can be sent again, and its length is told. */
const maxWholeBytes = 65_536;

export interface Upload {
  /** Undefined: none. */
  readonly body: ReadableStream<Uint8Array> | Uint8Array | undefined;
  /** It can be sent once more. */
  readonly repeatable: boolean;
  /** @throws StatusError 413 where more came than may */
  check(): void;
}

/** @throws StatusError 413; MicrorunError `cancelled` */
export async function uploadOf(
  request: Request,
  { maxUploadBytes: maxBytes, bodies }: Pick<GatewayOptions, "maxUploadBytes" | "bodies">,
): Promise<Upload> {
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  if (length > maxBytes) throw tooLarge(maxBytes);
  const whole = { repeatable: true, check: () => {} };
  if (/^(GET|HEAD)$/.test(request.method)) return { ...whole, body: undefined };
  if (length <= maxWholeBytes) return { ...whole, body: await bodies.readBody(request, maxBytes) };
  const { body } = request;
  if (body === null) return { ...whole, body: undefined };
  return counted(body, maxBytes);
}

/** Counted as it goes. */
function counted(body: ReadableStream<Uint8Array>, maxBytes: number): Upload {
  let length = 0;
  const count = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      length += chunk.length;
      if (length > maxBytes) controller.error(tooLarge(maxBytes));
      else controller.enqueue(chunk);
    },
  });
  return {
    body: body.pipeThrough(count),
    repeatable: false,
    check() {
      if (length > maxBytes) throw tooLarge(maxBytes);
    },
  };
}

/** @throws what the host's fetch does */
export async function askUpstream(
  { request, url, headers }: Visit,
  address: string,
  { body }: Upload,
  signal: AbortSignal,
  tls: UpstreamTls | undefined,
): Promise<Response> {
  const sent = passedOn(headers);
  sent.delete("content-length");
  sent.set("host", url.host);
  const init = {
    ...{ method: request.method, headers: sent, signal, redirect: "manual" },
    // Bun's: what is packed stays so, and no proxy of the environment is asked
    ...{ decompress: false, proxy: false },
    ...(body === undefined ? {} : { body, duplex: "half" }),
    ...(tls === undefined ? {} : { tls }),
  };
  const target = `${tls === undefined ? "http" : "https"}://${address}${url.pathname}${url.search}`;
  const response = await fetch(target, init as RequestInit);
  const { status } = response;
  return new Response(bodiless.has(status) ? null : response.body, {
    status,
    headers: passedOn(response.headers),
  });
}

export function passedOn(headers: Headers): Headers {
  const ending = ofOneConnection(headers);
  const passed = new Headers();
  for (const [name, value] of headers)
    if (name !== "set-cookie" && !hop.test(name) && !ending.includes(name)) passed.append(name, value);
  for (const cookie of headers.getSetCookie()) passed.append("set-cookie", cookie);
  return passed;
}

function tooLarge(maxBytes: number): StatusError {
  return new StatusError(413, `the request is larger than ${maxBytes} bytes`);
}
