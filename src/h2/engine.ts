/** The HTTP/2 engine of a process: its connections share memory, buffers and one clock. */
import { MicrorunError } from "../errors.ts";
import { bufferPool } from "./buffer-pool.ts";
import type { Connection } from "./connection.ts";
import type { Engine, Session } from "./h2.ts";
import { defaultLimits } from "./limits.ts";
import { createMemory } from "./memory.ts";
import { createClientSession, createConnection, createSession, type Household } from "./session.ts";
import { sweep, sweepMs } from "./upkeep.ts";

export interface EngineOptions {
  /** What all connections together may hold for their peers. @default 268_435_456 */
  readonly maxMemoryBytes?: number;
  /** Connections that servers take; one more is closed at once. @default 10_000 */
  readonly maxConnections?: number;
  /** Told of faults of ours and of listeners that throw. */
  readonly fault?: (error: unknown) => void;
  /** A clock in ms. @default performance.now */
  readonly now?: () => number;
  readonly random?: () => number;
}

const defaultMemoryBytes = 268_435_456;
const defaultConnections = 10_000;

export function http2Engine(options: EngineOptions = {}): Engine {
  const { maxMemoryBytes = defaultMemoryBytes, maxConnections = defaultConnections } = options;
  const household: Household = {
    pool: bufferPool(),
    memory: createMemory(maxMemoryBytes),
    now: options.now ?? (() => performance.now()),
    random: options.random ?? Math.random,
    fault: options.fault ?? (() => {}),
  };
  /** Until their sockets have closed. */
  const connections = new Map<Connection, Session>();
  let timer: ReturnType<typeof setInterval> | undefined;

  const sweepAll = (): void => {
    const now = household.now();
    for (const connection of connections.keys()) sweep(connection, now);
  };

  const enter = <S extends Session>(connection: Connection, make: (onGone: () => void) => S): S => {
    if (timer === undefined) {
      timer = setInterval(sweepAll, sweepMs);
      timer.unref();
    }
    const session = make(() => {
      connections.delete(connection);
      if (connections.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    });
    connections.set(connection, session);
    return session;
  };

  return {
    get connections() {
      return connections.size;
    },
    get heldBytes() {
      return household.memory.heldBytes;
    },
    serve(socket, accept, limits) {
      if (connections.size >= maxConnections) {
        socket.terminate();
        return undefined;
      }
      const connection = createConnection(household, socket, { ...defaultLimits, ...limits }, accept);
      return enter(connection, (onGone) => createSession(connection, onGone));
    },
    connect(socket, limits) {
      const settled = Promise.withResolvers<void>();
      // nobody may be waiting for it
      settled.promise.catch(() => {});
      const all = { ...defaultLimits, ...limits };
      const connection = createConnection(household, socket, all, undefined, settled.resolve);
      void connection.closing.promise.then(({ reason }) =>
        settled.reject(new MicrorunError("unavailable", `connection lost: ${reason}`, { unsent: true })),
      );
      return enter(connection, (onGone) => createClientSession(connection, settled.promise, onGone));
    },
    sweep: sweepAll,
    async [Symbol.asyncDispose]() {
      await Promise.all([...connections.values()].map((session) => session[Symbol.asyncDispose]()));
    },
  };
}
