/** The connections to one peer on our own engine: made when first needed, made again when lost, more when one is full. */
import { MicrorunError } from "../../errors.ts";
import type { ClientSession, Limits } from "../../h2/h2.ts";
import type { ConnectOptions } from "../../transport/transport.ts";
import { lostAtOnce, type Told, troubleOf } from "../no-connection.ts";
import type { Http2 } from "./wire.ts";

export interface Waiter {
  ready(session: ClientSession): void;
  failed(why: Told): void;
}

/** Disposing it closes the connections. */
export interface Channel extends AsyncDisposable {
  /** Answers at once where a connection is there, or where the last try has just failed. */
  ask(waiter: Waiter): void;
  leave(waiter: Waiter): void;
}

/** Between two tries to connect: a peer that comes back is found soon. */
const firstBackoffMs = 100;
const maxBackoffMs = 2000;
const backoffFactor = 1.6;

/** For a try to connect, TLS and SETTINGS. */
const maxConnectMs = 20_000;

/** To one peer; another is made when the peer takes no more streams on those that are there. */
const maxSessions = 8;

export function createChannel(
  address: string,
  { tls, limits }: { readonly tls: () => ConnectOptions["tls"]; readonly limits: Partial<Limits> },
  { engine, sockets }: Http2,
): Channel {
  const sessions = new Set<ClientSession>();
  const waiting = new Set<Waiter>();
  /** The one that took the last call. */
  let current: ClientSession | undefined;
  let attempt: AbortController | undefined;
  let closed = false;
  let connecting = false;
  let backoffMs = 0;
  let retryAt = 0;
  let why: Told = { message: "" };

  const usable = (): ClientSession | undefined => {
    if (current?.usable && current.waiting === 0) return current;
    let best: ClientSession | undefined;
    for (const session of sessions) {
      if (!session.usable) continue;
      if (session.waiting === 0) {
        current = session;
        return session;
      }
      if (best === undefined || session.waiting < best.waiting) best = session;
    }
    if (best !== undefined && sessions.size < maxSessions) connect();
    return best;
  };

  const connect = (): void => {
    if (connecting || performance.now() < retryAt) return;
    connecting = true;
    void open().then(opened, failed);
  };

  const open = async (): Promise<ClientSession> => {
    const own = new AbortController();
    attempt = own;
    const { signal } = own;
    const timer = setTimeout(() => own.abort(new MicrorunError("unavailable", "no answer")), maxConnectMs);
    const security = tls();
    try {
      const session = await sockets.connect({
        address,
        tls: security,
        signal,
        open: (socket) => engine.connect(socket, limits),
      });
      const cut = (): void => void session[Symbol.asyncDispose]();
      signal.addEventListener("abort", cut);
      if (signal.aborted) cut();
      const settled = await session.settled.then(
        () => true,
        () => false,
      );
      signal.removeEventListener("abort", cut);
      if (!settled) throw signal.reason ?? lostAtOnce(await session.closed, security !== undefined);
      return session;
    } finally {
      clearTimeout(timer);
    }
  };

  const opened = (session: ClientSession): void => {
    connecting = false;
    backoffMs = 0;
    if (closed) return void session[Symbol.asyncDispose]();
    sessions.add(session);
    void session.closed.then(() => sessions.delete(session));
    for (const waiter of [...waiting]) {
      waiting.delete(waiter);
      waiter.ready(session);
    }
  };

  const failed = (error: unknown): void => {
    connecting = false;
    why = troubleOf(error);
    backoffMs = Math.min(backoffMs * backoffFactor || firstBackoffMs, maxBackoffMs);
    retryAt = performance.now() + backoffMs;
    for (const waiter of [...waiting]) {
      waiting.delete(waiter);
      waiter.failed(why);
    }
  };

  return {
    ask(waiter) {
      const session = usable();
      if (session !== undefined) return waiter.ready(session);
      connect();
      if (connecting) waiting.add(waiter);
      else waiter.failed(why);
    },
    leave: (waiter) => void waiting.delete(waiter),
    async [Symbol.asyncDispose]() {
      closed = true;
      attempt?.abort(new MicrorunError("cancelled", "the connection is closed"));
      for (const session of sessions) session.close();
      await Promise.all([...sessions].map((session) => session.closed));
    },
  };
}
