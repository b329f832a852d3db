/** The handshake of RFC 6455 §4.2: an HTTP/1.1 request that becomes a WebSocket. */
import { createHash } from "node:crypto";
import type { OpenSocket } from "../h2/h2.ts";
import type { Log } from "../log.ts";
import type { UpgradeOptions, WebSocketHandler } from "../web-socket.ts";
import type { Head } from "./h1.ts";
import type { Output } from "./output.ts";
import { responseHead } from "./response-head.ts";
import type { Topics } from "./topics.ts";
import { openWebSocket, type WebSocketUser } from "./web-socket-connection.ts";

export interface UpgradeSurroundings {
  readonly socket: OpenSocket;
  readonly output: Output;
  readonly handler: WebSocketHandler;
  readonly topics: Topics;
  readonly log: Log;
  readonly date: () => string;
}

/** RFC 6455 §1.3 */
const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const key = /^[A-Za-z\d+/]{22}==$/;

/** Undefined: the request asks for none, or not as the RFC has it. */
export function webSocketUpgrade(
  { method, headers, old }: Head,
  { data, headers: extra }: UpgradeOptions,
  { date, ...surroundings }: UpgradeSurroundings,
): WebSocketUser | undefined {
  const asked = headers.get("sec-websocket-key") ?? "";
  const upgrades = /(^|[\s,])upgrade([\s,]|$)/i.test(headers.get("connection") ?? "");
  if (method !== "GET" || old || !upgrades || headers.get("upgrade")?.toLowerCase() !== "websocket")
    return undefined;
  if (!key.test(asked) || headers.get("sec-websocket-version") !== "13") return undefined;

  const fields: string[] = [];
  const own = new Headers(extra);
  for (const [name, value] of own)
    if (!/^sec-websocket-(accept|extensions)$/.test(name)) fields.push(name, value);
  // as Bun: the first that the client offers, unless the module says which
  const offered = headers.get("sec-websocket-protocol")?.split(",")[0]?.trim();
  if (offered && !own.has("sec-websocket-protocol")) fields.push("sec-websocket-protocol", offered);
  const accept = createHash("sha1")
    .update(asked + guid)
    .digest("base64");
  fields.push("sec-websocket-accept", accept);
  const head = responseHead({ status: 101, fields, framing: "none", connection: "upgrade", date: date() });
  surroundings.output.write(head);
  return openWebSocket(data, surroundings);
}
