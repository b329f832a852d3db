/** A TCP relay before a server that can close, reset and silence what goes through it. */
import { connect, createServer, type Socket } from "node:net";

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections that are open now. */
  readonly open: number;
  /** Connections that were ever opened. */
  readonly opened: number;
  /** Ends every connection as a server does that has said all. */
  close(): void;
  /** Breaks every connection (RST). */
  reset(): void;
  /** Nothing goes through the connections of now any more, in either direction, though they stay; new ones work. */
  silence(): void;
}

/** @param host where it listens, of loopback @default "127.0.0.1" */
export async function tcpProxy(target: number, host: string = "127.0.0.1"): Promise<TcpProxy> {
  const pairs = new Set<readonly [client: Socket, server: Socket]>();
  const silenced = new WeakSet<object>();
  let opened = 0;
  const drop = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
    pairs.clear();
  };
  const relay = createServer((client) => {
    opened++;
    const server = connect(target, "127.0.0.1");
    const pair = [client, server] as const;
    pairs.add(pair);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.setNoDelay(true);
      from.on("data", (chunk) => {
        if (!silenced.has(pair)) to.write(chunk);
      });
      from.on("end", () => {
        if (!silenced.has(pair)) to.end();
      });
      from.on("error", () => to.destroy());
      from.on("close", () => {
        pairs.delete(pair);
        to.destroySoon();
      });
    }
  });
  await new Promise<void>((resolve) => relay.listen(0, host, resolve));
  return {
    port: (relay.address() as { port: number }).port,
    get open() {
      return pairs.size;
    },
    get opened() {
      return opened;
    },
    close() {
      for (const [client, server] of pairs) {
        client.end();
        server.end();
      }
    },
    reset: drop,
    silence() {
      for (const pair of pairs) silenced.add(pair);
    },
    async [Symbol.asyncDispose]() {
      drop();
      await new Promise((resolve) => relay.close(resolve));
    },
  };
}
