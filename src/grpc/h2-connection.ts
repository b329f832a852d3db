/** A connection to one peer on our own engine; everything of a call is in invocation.ts. */
import { parseAddress } from "../address.ts";
import { MicrorunError } from "../errors.ts";
import type { Connection, ConnectOptions } from "../transport/transport.ts";
import { defaultMaxMessageBytes } from "./connection.ts";
import { type Channel, createChannel } from "./h2-channel.ts";
import { type ClientHeads, createHeads } from "./h2-client-heads.ts";
import { openStream } from "./h2-invoked.ts";
import type { Http2 } from "./h2-wire.ts";
import { type CallListener, type CallStart, type CallWire, type Invocation, invoke } from "./invocation.ts";

export function connectH2(
  http2: Http2,
  address: string,
  { tls, maxMessageBytes = defaultMaxMessageBytes }: ConnectOptions = {},
): Connection {
  const scheme = tls === undefined ? "http" : "https";
  const invocations = new Set<Invocation>();
  let channel: Channel | undefined;
  let heads: ClientHeads | undefined;
  let closed = false;

  const open = (start: CallStart, listener: CallListener): CallWire => {
    heads ??= createHeads(scheme, authorityOf(address));
    channel ??= createChannel(address, tls, http2);
    return openStream(start, listener, { channel, heads, maxMessageBytes });
  };

  return {
    dispatch(call) {
      if (closed)
        return Promise.reject(
          new MicrorunError("unavailable", `${address}: the connection is closed`, { unsent: true }),
        );
      const invocation = invoke(call, { open, address, maxMessageBytes }, () =>
        invocations.delete(invocation),
      );
      invocations.add(invocation);
      return invocation.reply;
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      for (const { cancel } of invocations)
        cancel(new MicrorunError("cancelled", `${address}: the connection is closed`));
      await channel?.[Symbol.asyncDispose]();
    },
  };
}

/** A unix socket has no name that a server could know. */
function authorityOf(address: string): string {
  return parseAddress(address).path === undefined ? address : "localhost";
}
