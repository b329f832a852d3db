/** A connection to one peer on our own engine; everything of a call is in invocation.ts. */
import { parseAddress } from "../address.ts";
import type { Connection, ConnectOptions } from "../transport/transport.ts";
import { callsOut } from "./calls-out.ts";
import { defaultMaxMessageBytes } from "./connection.ts";
import { type Channel, createChannel } from "./h2-channel.ts";
import { type ClientHeads, createHeads } from "./h2-client-heads.ts";
import { openStream } from "./h2-invoked.ts";
import type { Http2 } from "./h2-wire.ts";

export function connectH2(
  http2: Http2,
  address: string,
  { tls, maxMessageBytes = defaultMaxMessageBytes }: ConnectOptions = {},
): Connection {
  const scheme = tls === undefined ? "http" : "https";
  let channel: Channel | undefined;
  let heads: ClientHeads | undefined;
  return callsOut({
    address,
    maxMessageBytes,
    open(start, listener) {
      heads ??= createHeads(scheme, authorityOf(address));
      channel ??= createChannel(address, tls, http2);
      return openStream(start, listener, { channel, heads, maxMessageBytes });
    },
    close: async () => channel?.[Symbol.asyncDispose](),
  });
}

/** A unix socket has no name that a server could know. */
function authorityOf(address: string): string {
  return parseAddress(address).path === undefined ? address : "localhost";
}
