/** One request as the gateway sees it: who asks, under which id, and which of its fields go on. */
import type { Fetch } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { Claims, GatewayOptions } from "./gateway.ts";

export interface Visit {
  readonly request: Request;
  readonly url: URL;
  /** Checked and decoded. */
  readonly path: string;
  readonly id: string;
  /** Address of whoever asks, without a port. */
  readonly ip: string;
  /** What services are told: the request's own fields but for those that only a gateway may say. */
  readonly headers: Headers;
  readonly stop: AbortSignal | undefined;
  readonly upgrade: Parameters<Fetch>[3];
  /** Told by the log. */
  target?: string;
  /** It has become a WebSocket. */
  upgraded?: boolean;
}

/** Aborted when the caller leaves or the server can wait no longer, until it is disposed: the server's own signal outlives requests. */
export function untilGone({ request, stop }: Visit): Disposable & { readonly signal: AbortSignal } {
  const gone = new AbortController();
  const leave = (): void => gone.abort(new MicrorunError("cancelled", "the caller left"));
  const end = (): void => gone.abort(stop?.reason);
  if (request.signal.aborted) leave();
  request.signal.addEventListener("abort", leave);
  stop?.addEventListener("abort", end);
  return {
    signal: gone.signal,
    [Symbol.dispose]() {
      request.signal.removeEventListener("abort", leave);
      stop?.removeEventListener("abort", end);
    },
  };
}

const requestId = /^[\w.:/+=-]{1,128}$/;

/** What only the gateway says: a caller's own word for it counts for nothing. */
const ours = /^(x-forwarded-|x-jwt-|forwarded$|x-real-ip$|micro-from-service$|remote$|auth-account$)/;

export function requestIdOf(headers: Headers): string {
  const given = headers.get("x-request-id");
  return given !== null && requestId.test(given) ? given : crypto.randomUUID();
}

/** The address that the outermost trusted proxy saw, else the peer's. */
export function callerOf(headers: Headers, peer: string | undefined, proxyHops: number): string {
  const own = (peer ?? "").replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  if (proxyHops === 0) return own;
  const chain = (headers.get("x-forwarded-for") ?? "").split(",").map((one) => one.trim());
  return chain.at(-proxyHops) || own;
}

/** `connection`, and the fields that it names (RFC 9110, 7.6.1). */
export function ofOneConnection(headers: Headers): readonly string[] {
  const named = (headers.get("connection") ?? "").toLowerCase().split(",");
  return ["connection", ...named.map((name) => name.trim())];
}

export function outgoingHeaders(
  { url, headers }: Request,
  { id, ip, peer }: { readonly id: string; readonly ip: string; readonly peer: string | undefined },
  { proxyHops }: Pick<GatewayOptions, "proxyHops">,
): Headers {
  const { protocol, host } = new URL(url);
  const trusted = proxyHops > 0;
  const before = trusted ? headers.get("x-forwarded-for") : null;
  const own = callerOf(headers, peer, 0);
  // gone before ours are set: a caller may not name those away
  const ending = ofOneConnection(headers);
  const sent = new Headers();
  for (const [name, value] of headers)
    if (!ours.test(name) && !ending.includes(name)) sent.append(name, value);
  const forwarded = [before, own || ip].filter(Boolean).join(", ");
  if (forwarded !== "") sent.set("x-forwarded-for", forwarded);
  sent.set("x-forwarded-proto", (trusted && headers.get("x-forwarded-proto")) || protocol.slice(0, -1));
  sent.set("x-forwarded-host", (trusted && headers.get("x-forwarded-host")) || host);
  sent.set("x-request-id", id);
  return sent;
}

/** Services read them as metadata; the token itself goes on, too. */
export function tellClaims(headers: Headers, claims: Claims): void {
  const { sub } = claims;
  if (typeof sub === "string" && /^[\x20-\x7e]+$/.test(sub)) headers.set("x-jwt-subject", sub);
  headers.set("x-jwt-claims", Buffer.from(JSON.stringify(claims)).toString("base64url"));
}
