/** Connections by address, kept while used. */
import type { Connection, Transport } from "../transport/transport.ts";

export interface PoolOptions {
  /** The most connections kept; the longest unused is closed for a new one. @default 100 */
  size?: number;
  /** How long a connection is used before a new one takes its place, in ms, so that calls spread behind a virtual address. @default 60000 */
  ttlMs?: number;
  /** How long a replaced connection may go on with its calls, in ms. @default 30000 */
  lingerMs?: number;
}

export interface Pool extends AsyncDisposable {
  connection(address: string): Connection;
}

interface Pooled {
  readonly connection: Connection;
  readonly madeAt: number;
}

export function createPool(
  transport: Transport,
  { size = 100, ttlMs = 60_000, lingerMs = 30_000 }: PoolOptions = {},
): Pool {
  // a Map keeps the order of insertion: used ones move to the end, the first is the longest unused
  const pooled = new Map<string, Pooled>();
  const lingering = new Map<Connection, NodeJS.Timeout>();

  const retire = (address: string, { connection }: Pooled): void => {
    pooled.delete(address);
    const timer = setTimeout(() => {
      lingering.delete(connection);
      void connection[Symbol.asyncDispose]();
    }, lingerMs);
    timer.unref();
    lingering.set(connection, timer);
  };

  return {
    connection(address) {
      const known = pooled.get(address);
      if (known !== undefined && Date.now() - known.madeAt < ttlMs) {
        pooled.delete(address);
        pooled.set(address, known);
        return known.connection;
      }
      if (known !== undefined) retire(address, known);
      const [oldest] = pooled;
      if (oldest !== undefined && pooled.size >= size) retire(...oldest);
      const connection = transport.connect(address);
      pooled.set(address, { connection, madeAt: Date.now() });
      return connection;
    },
    async [Symbol.asyncDispose]() {
      for (const timer of lingering.values()) clearTimeout(timer);
      const all = [...lingering.keys(), ...[...pooled.values()].map(({ connection }) => connection)];
      lingering.clear();
      pooled.clear();
      await Promise.all(all.map((connection) => connection[Symbol.asyncDispose]()));
    },
  };
}
