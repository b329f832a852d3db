/** The connection to NATS: made at the first use, made again without end, and waited for only so long. */
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { errorText, MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import { aborted, pause, within } from "../wait.ts";
import type { NatsAddress } from "./nats-address.ts";

/** How long one who publishes waits for a connection, ms. */
export const maxOutageMs = 5000;
/** How long the start of a subscription waits for a connection; then it comes later, ms. */
export const firstAnswerMs = 3000;
/** Between attempts to connect, ms: at first, at most. */
const firstRestMs = 100;
const lastRestMs = 2000;
/** How long one attempt may take, ms. */
const dialMs = 5000;
/** A server that is silent for two of these is gone, ms. */
const pingMs = 10_000;
/** How long the end waits until what was written has left, ms. */
const farewellMs = 2000;

export interface NatsLink extends AsyncDisposable {
  /** The connection that stands. @throws MicrorunError `unavailable` when there is none within `ms` */
  connection(ms?: number): Promise<NatsConnection>;
  /** Told of this and each later connection, until the returned function is called. */
  follow(told: (connection: NatsConnection) => void): () => void;
  /** Why there is no connection now. */
  readonly trouble: string | undefined;
}

export function natsLink({ servers, options }: NatsAddress, name: string, log: Log): NatsLink {
  const where = servers.join(", ");
  const closing = new AbortController();
  const followers = new Set<(connection: NatsConnection) => void>();
  let current: NatsConnection | undefined;
  let up = false;
  let why: string | undefined;
  let begun = false;
  let risen = Promise.withResolvers<void>();

  const rise = (): void => {
    up = true;
    why = undefined;
    risen.resolve();
  };
  const fall = (reason: string): void => {
    if (up) risen = Promise.withResolvers();
    up = false;
    if (why === undefined && !closing.signal.aborted)
      log.warn(`no connection to NATS at ${where}: ${reason}`, { hint: "it is tried again without end" });
    why = reason;
  };

  async function dial(): Promise<NatsConnection | undefined> {
    for (let ms = firstRestMs; !closing.signal.aborted; ms = Math.min(ms * 2, lastRestMs)) {
      try {
        return await connect({
          ...options,
          name,
          timeout: dialMs,
          pingInterval: pingMs,
          maxReconnectAttempts: -1,
          reconnectTimeWait: firstRestMs * 2,
          // a secret may be changed on one side first
          ignoreAuthErrorAbort: true,
        });
      } catch (error) {
        fall(errorText(error));
        await pause(ms, closing.signal);
      }
    }
    return undefined;
  }

  async function hold(): Promise<void> {
    while (!closing.signal.aborted) {
      const connection = await dial();
      if (connection === undefined) return;
      current = connection;
      log.info(`Broker [nats] Connected to ${connection.getServer()}`);
      rise();
      for (const told of followers) told(connection);
      for await (const status of connection.status()) {
        if (status.type === "disconnect") fall("the connection was lost");
        if (status.type === "reconnect") {
          log.info(`Broker [nats] Connected to ${connection.getServer()}`);
          rise();
        }
        if (status.type === "error") log.warn(`NATS: ${errorText(status.error)}`);
      }
      if (!closing.signal.aborted) fall("the connection was closed");
    }
  }

  const begin = (): void => {
    if (begun) return;
    begun = true;
    hold().catch((error) => log.error("the connection to NATS failed", { error }));
  };

  return {
    async connection(ms = maxOutageMs) {
      begin();
      if (!up && !closing.signal.aborted) {
        const late = new AbortController();
        await Promise.race([risen.promise, pause(ms, late.signal), aborted(closing.signal)]);
        late.abort();
      }
      if (up && current !== undefined) return current;
      throw new MicrorunError("unavailable", `no connection to NATS at ${where}: ${why ?? "no answer"}`, {
        unsent: true,
      });
    },
    follow(told) {
      begin();
      followers.add(told);
      if (current !== undefined && !current.isClosed()) told(current);
      return () => followers.delete(told);
    },
    get trouble() {
      return why === undefined ? undefined : `nats, no connection to ${where}: ${why}`;
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      if (current === undefined) return;
      if (up) await within(farewellMs, "the last messages", current.flush()).catch(() => {});
      await within(farewellMs, "the end of the connection", current.close()).catch(() => {});
    },
  };
}
