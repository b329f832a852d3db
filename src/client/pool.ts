/** Connections by address, kept while used. */
import type { Dispatch } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { Connection, ConnectOptions, Transport } from "../transport/transport.ts";
import { maxTimerMs } from "../wait.ts";

export interface PoolOptions {
  /** The most connections kept; the longest unused makes room for a new one. @default 100 */
  size?: number;
  /** How long a connection is used before a new one takes its place, in ms, so that calls spread behind a virtual address. @default 60000 */
  ttlMs?: number;
  /** How long one without calls is kept, in ms. @default 300000 */
  idleMs?: number;
  /** How long a replaced connection may go on with its calls, in ms: then they are cancelled. @default 3600000 */
  lingerMs?: number;
  /** Calls under way on one connection before another one to the same address is opened: servers limit them. @default 100 */
  maxCalls?: number;
  /** How connections are made. @default the transport's defaults */
  connect?: ConnectOptions;
}

/** A connection, lent for one call. */
export interface Lease {
  readonly dispatch: Dispatch;
  /** A call was answered on it: the next one need not wait for it to connect. */
  readonly warm: boolean;
  /** The call is over. @param answered @default false */
  release(answered?: boolean): void;
  /** No other call shall use it. */
  retire(): void;
}

/** Disposing it ends the calls under way: `cancelled`. */
export interface Pool extends AsyncDisposable {
  /** To be released. @throws MicrorunError `unavailable` when the pool is closed */
  connection(address: string): Lease;
}

interface Pooled extends Lease {
  readonly address: string;
  readonly connection: Connection;
  readonly retireAt: number;
  calls: number;
  warm: boolean;
  usedAt: number;
  /** Of its last call, counted over all. */
  turn: number;
  /** Once retired, the end of its patience. */
  timer: NodeJS.Timeout | undefined;
  retired: boolean;
  closed: boolean;
}

/** Connections made at once do not all age at once: this part of their time is random. */
const jitter = 0.2;

export function createPool(
  transport: Transport,
  {
    size = 100,
    ttlMs = 60_000,
    idleMs = 300_000,
    lingerMs = 3_600_000,
    maxCalls = 100,
    connect = {},
  }: PoolOptions = {},
): Pool {
  const byAddress = new Map<string, Pooled[]>();
  const pooled = new Set<Pooled>();
  let turns = 0;
  const lingering = new Set<Pooled>();
  let sweeper: NodeJS.Timeout | undefined;
  let closed = false;

  const close = async (one: Pooled): Promise<void> => {
    if (one.closed) return;
    one.closed = true;
    clearTimeout(one.timer);
    lingering.delete(one);
    await one.connection[Symbol.asyncDispose]();
  };

  const retire = (one: Pooled): void => {
    if (one.retired) return;
    one.retired = true;
    pooled.delete(one);
    const siblings = byAddress.get(one.address)?.filter((other) => other !== one);
    if (siblings === undefined || siblings.length === 0) byAddress.delete(one.address);
    else byAddress.set(one.address, siblings);
    if (one.calls === 0) return void close(one);
    const [oldest] = lingering;
    if (oldest !== undefined && lingering.size >= size) void close(oldest);
    lingering.add(one);
    one.timer = setTimeout(() => void close(one), Math.min(lingerMs, maxTimerMs));
    one.timer.unref();
  };

  const open = (address: string): Pooled => {
    const connection = transport.connect(address, connect);
    const one: Pooled = {
      address,
      connection,
      dispatch: connection.dispatch,
      retireAt: Date.now() + ttlMs * (1 - Math.random() * jitter),
      calls: 0,
      warm: false,
      usedAt: Date.now(),
      turn: 0,
      timer: undefined,
      retired: false,
      closed: false,
      release(answered = false) {
        one.calls -= 1;
        one.warm ||= answered;
        one.usedAt = Date.now();
        if (one.retired && one.calls === 0) void close(one);
      },
      retire: () => retire(one),
    };
    const siblings = byAddress.get(address) ?? [];
    siblings.push(one);
    byAddress.set(address, siblings);
    pooled.add(one);
    sweepLater();
    return one;
  };

  const sweepLater = (): void => {
    sweeper ??= setTimeout(
      () => {
        sweeper = undefined;
        const now = Date.now();
        for (const one of pooled)
          if (one.calls === 0 && (now >= one.retireAt || now - one.usedAt >= idleMs)) retire(one);
        if (pooled.size > 0) sweepLater();
      },
      Math.min(idleMs, ttlMs, maxTimerMs),
    );
    sweeper.unref();
  };

  /** The first with room, so that those no longer needed fall idle; undefined: another is to be opened. */
  const known = (address: string): Pooled | undefined => {
    const siblings = byAddress.get(address);
    if (siblings === undefined) return undefined;
    let least: Pooled | undefined;
    const now = Date.now();
    for (const one of siblings) {
      if (now >= one.retireAt) retire(one);
      else if (one.calls < maxCalls) return one;
      else if (least === undefined || one.calls < least.calls) least = one;
    }
    return pooled.size < size ? undefined : least;
  };

  /** The longest unused goes, one with calls under way only where all have some. */
  const makeRoom = (): void => {
    if (pooled.size < size) return;
    const [longest] = [...pooled].sort(
      (a, b) => Number(a.calls > 0) - Number(b.calls > 0) || a.turn - b.turn,
    );
    if (longest !== undefined) retire(longest);
  };

  return {
    connection(address) {
      if (closed) throw new MicrorunError("unavailable", `${address}: the client is closed`);
      let one = known(address);
      if (one === undefined) {
        makeRoom();
        one = open(address);
      }
      one.calls += 1;
      one.turn = ++turns;
      return one;
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      clearTimeout(sweeper);
      await Promise.all([...pooled, ...lingering].map(close));
      byAddress.clear();
      pooled.clear();
    },
  };
}
