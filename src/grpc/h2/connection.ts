/** A connection to one peer on our own engine; everything of a call is in invocation.ts. */
import { parseAddress } from "../../address.ts";
import type { Deadlines } from "../../deadlines.ts";
import type { Connection, ConnectOptions } from "../../transport/transport.ts";
import type { AbortWatch } from "../abort-watch.ts";
import { callsOut } from "../calls-out.ts";
import { defaultKeepaliveMs, defaultKeepaliveTimeoutMs, defaultMaxMessageBytes } from "../defaults.ts";
import { type Channel, createChannel } from "./channel.ts";
import { createHeads } from "./client-heads.ts";
import { type InvokedOptions, openStream } from "./invoked.ts";
import type { Http2 } from "./wire.ts";

/** Without a call, then a connection is left. */
const idleMs = 1_800_000;

/** What all connections of a process share. */
export interface CallsShared {
  readonly deadlines: Deadlines;
  readonly aborts: AbortWatch;
}

export function connectH2(
  http2: Http2,
  { deadlines, aborts }: CallsShared,
  address: string,
  connecting: ConnectOptions = {},
): Connection {
  const { maxMessageBytes = defaultMaxMessageBytes, gzip = false } = connecting;
  const { keepaliveMs = defaultKeepaliveMs, keepaliveTimeoutMs = defaultKeepaliveTimeoutMs } = connecting;
  const limits = { idleMs, keepaliveMs, keepaliveTimeoutMs };
  const tls = () => connecting.tls;
  const scheme = tls() === undefined ? "http" : "https";
  let channel: Channel | undefined;
  let options: InvokedOptions | undefined;
  return callsOut({
    address,
    maxMessageBytes,
    aborts,
    open(start, listener) {
      if (options === undefined) {
        channel = createChannel(address, { tls, limits }, http2);
        const heads = createHeads(scheme, authorityOf(address), gzip ? "gzip" : undefined);
        options = { channel, heads, maxMessageBytes, deadlines, gzip };
      }
      return openStream(start, listener, options);
    },
    close: async () => channel?.[Symbol.asyncDispose](),
  });
}

/** A unix socket has no name that a server could know. */
function authorityOf(address: string): string {
  return parseAddress(address).path === undefined ? address : "localhost";
}
