/** WebSockets of web services passed through: opened at an instance first, then what either side says goes to the other. */
import { errorText } from "../errors.ts";
import type { WebSocketConnection } from "../web-socket.ts";
import { StatusError } from "./failure.ts";
import type { GatewayOptions } from "./gateway.ts";
import type { Session } from "./session.ts";
import { passedOn } from "./upstream-request.ts";
import type { Visit } from "./visit.ts";

/** What may wait for either side to read, in bytes: above it both are closed, as neither can be made to wait. */
const maxUnsentBytes = 8_388_608;
/** Closed by us: the service broke off, or one side reads too slowly. */
const closing = { broken: 1011, slow: 1013 } as const;

/**
 * @param address of the service
 * @throws StatusError 426, 502, 504: the service did not take it
 */
export async function bridged(
  visit: Visit,
  address: string,
  { upstream, upstreamTimeoutMs, log }: GatewayOptions,
): Promise<Response> {
  const { url, headers, request, id } = visit;
  const tls = upstream.tls?.();
  const protocols = (headers.get("sec-websocket-protocol") ?? "").split(/\s*,\s*/).filter(Boolean);
  const sent = passedOn(headers);
  for (const name of [...sent.keys()]) if (name.startsWith("sec-websocket-")) sent.delete(name);
  sent.set("host", url.host);
  const target = `${tls === undefined ? "ws" : "wss"}://${address}${url.pathname}${url.search}`;
  const far = new WebSocket(target, {
    headers: Object.fromEntries(sent),
    protocols,
    ...(tls === undefined ? {} : { tls }),
  } as never);
  far.binaryType = "arraybuffer";
  const session = createBridge(far);
  const opened = await outcome(far, upstreamTimeoutMs, request.signal);
  if (opened !== "open") {
    far.terminate();
    log.warn(`a WebSocket at ${address} failed`, { error: opened, id });
    if (opened === "late")
      throw new StatusError(504, `the service did not answer within ${upstreamTimeoutMs} ms`);
    throw new StatusError(502, "the service takes no WebSocket here");
  }
  const chosen = far.protocol === "" ? {} : { "sec-websocket-protocol": far.protocol };
  visit.upgraded = visit.upgrade?.({ data: session, headers: { ...chosen, "x-request-id": id } }) ?? false;
  if (visit.upgraded) return new Response(null);
  far.terminate();
  throw new StatusError(426, "it cannot become a WebSocket here", { upgrade: "websocket" });
}

/** `open`, `late`, or why not. */
async function outcome(far: WebSocket, ms: number, gone: AbortSignal): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve("late"), ms);
  const leave = (): void => resolve("the caller left");
  gone.addEventListener("abort", leave);
  far.addEventListener("open", () => resolve("open"));
  far.addEventListener("error", (event) => resolve(errorText((event as ErrorEvent).message ?? "refused")));
  far.addEventListener("close", () => resolve("closed"));
  const how = await promise;
  clearTimeout(timer);
  gone.removeEventListener("abort", leave);
  return how;
}

function createBridge(far: WebSocket): Session {
  let near: WebSocketConnection | undefined;
  /** What the service said before its caller was there. */
  let early: (string | ArrayBuffer)[] = [];
  let ended: { readonly code: number; readonly reason: string } | undefined;

  const end = (code: number, reason = ""): void => {
    ended = { code: sendable(code), reason };
    near?.close(ended.code, ended.reason);
    if (far.readyState < WebSocket.CLOSING) far.close(ended.code, ended.reason);
  };
  far.addEventListener("message", ({ data }) => {
    if (near === undefined) early.push(data);
    else {
      near.send(data);
      if (near.getBufferedAmount() > maxUnsentBytes) end(closing.slow);
    }
  });
  far.addEventListener("close", ({ code, reason }) => end(code, reason));
  return {
    open(socket) {
      near = socket;
      for (const data of early) socket.send(data);
      early = [];
      if (ended !== undefined) socket.close(ended.code, ended.reason);
    },
    message(_, data) {
      if (far.readyState !== WebSocket.OPEN) return;
      far.send(data as string | ArrayBuffer);
      if (far.bufferedAmount > maxUnsentBytes) end(closing.slow);
    },
    drain() {},
    close(code, reason) {
      near = undefined;
      if (far.readyState < WebSocket.CLOSING) far.close(sendable(code), reason);
    },
  };
}

/** Codes that only say how a connection ended are never sent. */
function sendable(code: number): number {
  if (code === 1005) return 1000;
  return code === 1000 || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999)
    ? code
    : closing.broken;
}
