/** HTTP on a port of its own: by the host's fastest server where it has one, else by node:http. */
import { lstat, rm } from "node:fs/promises";
import { connect, createServer, type Server as NetServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { type Address, formatAddress, listenError, notSocket, parseAddress } from "../address.ts";
import type { Fetch } from "../call.ts";
import { errorText, MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { HostServer, Runtime } from "../runtime/runtime.ts";
import type { Server, Tls } from "../transport/transport.ts";
import { pause } from "../wait.ts";
import { createWeb, maxFreshMs } from "./web.ts";

export interface HttpOptions {
  /** `host:port`, `:port` or `unix:/path`; port 0 takes any free one. */
  readonly address: string;
  readonly fetch: Fetch;
  readonly host: Pick<Runtime, "serve">;
  readonly tls?: Tls;
  /** How long a stop waits for requests under way before it aborts them, in ms. @default 10000 */
  readonly drainTimeoutMs?: number;
  /** True while clients had better look elsewhere: each answer is then the last of its connection. @default never */
  readonly leaving?: () => boolean;
  readonly log: Log;
}

const defaultDrainMs = 10_000;
/** Calls are held to less; this is for the module's own `fetch`, in bytes. */
const maxWebBodyBytes = 134_217_728;
/** How long aborted requests have for their answer, in ms. */
const maxFarewellMs = 100;
/** How long a TLS handshake may take, in ms. */
const maxHandshakeMs = 10_000;

/** @throws MicrorunError `already_exists` when the address is taken, `permission_denied` when it may not be used */
export async function serveHttp(options: HttpOptions): Promise<Server> {
  const address = parseAddress(options.address);
  if (address.path !== undefined) await removeLeftover(address.path);
  return options.host.serve === undefined
    ? serveByNode(options, address)
    : serveByHost(options, options.host.serve);
}

async function serveByHost(
  { address, fetch, tls, log, drainTimeoutMs = defaultDrainMs, leaving = () => false }: HttpOptions,
  serve: NonNullable<Runtime["serve"]>,
): Promise<Server> {
  const stop = new AbortController();
  let draining = false;
  /** A client may count on a connection of its own. */
  let kept = false;
  const answer: Fetch = async (request, peer) => {
    const response = await fetch(named(request), peer, stop.signal);
    if (draining || leaving()) response.headers.set("connection", "close");
    else kept = true;
    return response;
  };
  let server: HostServer;
  try {
    server = await serve({
      address,
      fetch: answer,
      maxBodyBytes: maxWebBodyBytes,
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
  return disposedOnce(server.address, drain);
}

async function serveByNode(options: HttpOptions, address: Address): Promise<Server> {
  const web = createWeb(options);
  const { tls } = options;
  const server = tls === undefined ? createServer() : secureServer(tls);
  server.on(tls === undefined ? "connection" : "secureConnection", (socket) => {
    // a "close" follows each
    socket.on("error", () => {});
    web.accept(socket);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(address, resolve);
  try {
    await promise;
  } catch (error) {
    throw listenError(options.address, error);
  }
  server.on("error", (error) => options.log.warn(`${options.address}: a connection failed`, { error }));
  return disposedOnce(boundAddress(server, address), async () => {
    server.close();
    await web[Symbol.asyncDispose]();
  });
}

function secureServer({ cert, key, ca }: Tls): NetServer {
  const mutual = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
  try {
    const server = createTlsServer({ cert, key, handshakeTimeout: maxHandshakeMs, ...mutual });
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    return server;
  } catch (error) {
    throw certificateError(error);
  }
}

function certificateError(cause: unknown): MicrorunError {
  return new MicrorunError("invalid_argument", `cannot use the certificate: ${errorText(cause)}`, {
    hint: "give --tls_cert and --tls_key PEM files that belong together",
    cause,
  });
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

function boundAddress(server: NetServer, asked: Address): string {
  const bound = server.address();
  return formatAddress(
    bound === null || typeof bound === "string" ? asked : { host: bound.address, port: bound.port },
  );
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
