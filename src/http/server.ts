/** HTTP on a port of its own, by whatever serves it: its address, its drain. */
import { lstat, rm } from "node:fs/promises";
import { connect } from "node:net";
import { listenError, notSocket, parseAddress } from "../address.ts";
import type { Fetch } from "../call.ts";
import { errorText, MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { HostServer, Runtime } from "../runtime/runtime.ts";
import type { Server, Tls } from "../transport/transport.ts";
import { pause } from "../wait.ts";
import type { WebSocketHandler } from "../web-socket.ts";

export interface HttpOptions {
  /** `host:port`, `:port` or `unix:/path`; port 0 takes any free one. */
  readonly address: string;
  readonly fetch: Fetch;
  /** What serves. */
  readonly serve: NonNullable<Runtime["serve"]>;
  /** What a request that `fetch` upgrades is handed to. */
  readonly websocket?: WebSocketHandler | undefined;
  readonly tls?: Tls;
  /** How long a stop waits for requests under way before it aborts them, in ms. @default 10000 */
  readonly drainTimeoutMs?: number;
  /** True while clients had better look elsewhere: each answer is then the last of its connection. @default never */
  readonly leaving?: () => boolean;
  /** Several processes may listen there. @default false */
  readonly shared?: boolean;
  readonly log: Log;
}

const defaultDrainMs = 10_000;
/** Calls are held to less; this is for the module's own `fetch`, in bytes. */
const maxWebBodyBytes = 134_217_728;
/** How long aborted requests have for their answer, in ms. */
const maxFarewellMs = 100;
/** How long a stop waits for a request on a connection that has none, in ms: it may be on its way. */
const maxFreshMs = 500;

/** @throws MicrorunError `already_exists` when the address is taken, `permission_denied` when it may not be used */
export async function serveHttp(options: HttpOptions): Promise<Server> {
  const { address, fetch, tls, log, websocket } = options;
  const { drainTimeoutMs = defaultDrainMs, leaving = () => false, shared = false } = options;
  const { path } = parseAddress(address);
  if (path !== undefined) await removeLeftover(path);
  const stop = new AbortController();
  let draining = false;
  /** A client may count on a connection of its own. */
  let kept = false;
  const answer: Fetch = async (request, peer, _, upgrade) => {
    const response = await fetch(named(request), peer, stop.signal, upgrade);
    if (draining || leaving()) response.headers.set("connection", "close");
    else kept = true;
    return response;
  };
  let server: HostServer;
  try {
    server = await options.serve({
      address,
      fetch: answer,
      websocket,
      maxBodyBytes: maxWebBodyBytes,
      shared,
      ...(tls === undefined ? {} : { tls }),
    });
  } catch (error) {
    const bySystem = /^E[A-Z]+$/.test(String((error as { code?: unknown }).code));
    throw tls === undefined || bySystem ? listenError(address, error) : certificateError(error);
  }

  const drain = async (): Promise<void> => {
    const waited = new AbortController();
    const over = (ms: number): Promise<boolean> => pause(ms, waited.signal).then(() => false);
    draining = true;
    const done = pause(kept ? maxFreshMs : 0)
      .then(() => server.stop())
      .then(() => true);
    if (!(await Promise.race([done, over(drainTimeoutMs)]))) {
      log.warn("requests were still under way and are aborted");
      stop.abort(new MicrorunError("unavailable", "the server is stopping"));
      await Promise.race([done, over(maxFarewellMs)]);
    }
    waited.abort();
    server.kill();
  };
  const { renew } = server;
  return {
    ...disposedOnce(server.address, drain),
    ...(renew === undefined ? {} : { renew: renewed(renew) }),
  };
}

function certificateError(cause: unknown): MicrorunError {
  return new MicrorunError("invalid_argument", `cannot use the certificate: ${errorText(cause)}`, {
    hint: "give --tls_cert and --tls_key PEM files that belong together",
    cause,
  });
}

function renewed(renew: (tls: Tls) => void): (tls: Tls) => void {
  return (tls) => {
    try {
      renew(tls);
    } catch (error) {
      throw certificateError(error);
    }
  };
}

/** HTTP/1.0 need not name a host, and Bun then gives no whole URL. */
function named(request: Request): Request {
  return request.url.startsWith("/") ? new Request(`http://localhost${request.url}`, request) : request;
}

/**
 * The socket of a process that crashed: nobody answers there.
 * @throws MicrorunError `invalid_argument` for a file that is something else
 */
async function removeLeftover(path: string): Promise<void> {
  const file = await lstat(path).catch(() => undefined);
  if (file?.isSocket() === false) throw notSocket(path);
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const socket = connect(path, () => resolve(undefined));
  socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code));
  if ((await promise) === "ECONNREFUSED") await rm(path, { force: true });
  socket.destroy();
}

function disposedOnce(address: string, drain: () => Promise<void>): Server {
  let drained: Promise<void> | undefined;
  return {
    address,
    [Symbol.asyncDispose]: () => {
      drained ??= drain();
      return drained;
    },
  };
}
