/** A TCP relay that counts what goes to the server: all that a client sends, heads too. */
import { connect, createServer, type Socket } from "node:net";

export interface CountingRelay extends AsyncDisposable {
  readonly port: number;
  /** Bytes sent by clients so far. */
  readonly sent: number;
}

export async function countingRelay(target: number): Promise<CountingRelay> {
  const sockets = new Set<Socket>();
  let sent = 0;
  const relay = createServer((client) => {
    const server = connect(target, "127.0.0.1");
    client.on("data", (chunk: Buffer) => {
      sent += chunk.length;
    });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroySoon();
      });
    }
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  return {
    port: (relay.address() as { port: number }).port,
    get sent() {
      return sent;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => relay.close(resolve));
    },
  };
}
