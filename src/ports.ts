/** Which ports a service opens and what answers on each: one for everything, or apart where the settings say so. */
import { isIPv6 } from "node:net";
import type { Api } from "./api.ts";
import type { Dispatch, Fetch } from "./call.ts";
import { MicrorunError } from "./errors.ts";
import type { Health } from "./health/health.ts";
import type { Log } from "./log.ts";
import type { WebVisit } from "./middleware/middleware.ts";
import * as plugins from "./plugins.ts";
import type { Runtime } from "./runtime/runtime.ts";
import type { Definition, RuntimeContext, Service, WebContext } from "./service/service.ts";
import type { LiveSettings, Settings } from "./settings.ts";
import type { Stacked } from "./stacked.ts";
import type { ListenOptions, Server, Tls, Transport } from "./transport/transport.ts";

export interface Ports extends AsyncDisposable {
  readonly grpcAddress: string;
  readonly httpAddress: string;
  /** Of the port for health alone. */
  readonly healthAddress: string | undefined;
  /** Other certificates for the connections to come. @throws MicrorunError `invalid_argument` */
  renew(tls: Tls): void;
}

export interface PortOptions {
  readonly settings: Settings;
  readonly host: Runtime;
  readonly transport: Transport;
  readonly service: Service;
  /** What else of it is answered over HTTP. */
  readonly api: Api;
  /** What answers calls, by what carries them. */
  readonly dispatch: { readonly grpc: Dispatch; readonly http: Dispatch };
  readonly around: Stacked;
  /** As it is at the time. */
  readonly live: () => Pick<LiveSettings, "cors" | "httpTimeoutMs">;
  readonly definition: Definition;
  readonly context: RuntimeContext;
  readonly health: Health;
  /** Several processes listen there; `first`: none of them does yet, and nobody else may. @default no */
  readonly shared?: "first" | "next";
}

/** Disposing them: all drain at the same time, the health port last, so that probes are answered to the end. */
export async function openPorts(options: PortOptions): Promise<Ports> {
  const { settings, host, transport, service, dispatch, around, definition, context, health, live } = options;
  const shared = options.shared !== undefined;
  const { log } = context;
  const { createApp, createHealthApp } = await plugins.http.app();
  const { createWeb } = await plugins.http.web();
  const { drainTimeoutMs } = settings;
  const { websocket } = definition;
  const limits = { drainTimeoutMs, leaving: () => !health.serving, log };
  const security = settings.tls === undefined ? {} : { tls: settings.tls };
  const own = ownFetch(definition, context, around);
  const fetch = createApp({
    service,
    dispatch: dispatch.http,
    health,
    log,
    ...options.api,
    cors: () => around.cors(live().cors),
    timeoutMs: () => live().httpTimeoutMs,
    maxBodyBytes: settings.maxMessageBytes,
    ...(own === undefined ? {} : { fetch: own }),
  });
  const listenOptions = {
    maxMessageBytes: settings.maxMessageBytes,
    limits: settings.limits,
    drainTimeoutMs: settings.drainTimeoutMs,
    shared,
    log,
    ...security,
  };
  const claim = async (address: string): Promise<void> => {
    if (options.shared === "first") await (await plugins.workers.claim()).claimPort(address);
  };
  const serve = async (
    address: string,
    how: Partial<plugins.ServeHttpOptions> & { fetch: Fetch },
  ): Promise<Server> => {
    await claim(address);
    return (await plugins.http.server()).serveHttp({ address, host, shared, ...limits, ...how });
  };

  await using opened = new AsyncDisposableStack();
  let healthAddress: string | undefined;
  if (settings.healthAddress !== undefined) {
    // in cleartext: probes bring no certificate; they keep no connection either
    const how = { fetch: createHealthApp(health), leaving: () => true };
    const server = opened.use(await serve(settings.healthAddress, how));
    healthAddress = server.address;
    log.info(`Server [health] Listening on ${healthAddress}`);
  }
  const grpcAt = settings.grpcAddress ?? settings.server.address;
  const httpAt = settings.httpAddress ?? settings.server.address;
  // two ports picked freely are two ports
  const apart = settings.grpcAddress !== undefined || settings.httpAddress !== undefined;
  const together = !apart || (grpcAt === httpAt && !grpcAt?.endsWith(":0"));
  const draining: AsyncDisposable[] = [];
  opened.defer(async () => {
    await Promise.all(draining.toReversed().map((server) => server[Symbol.asyncDispose]()));
  });
  const drained = <T extends AsyncDisposable>(server: T): T => {
    draining.push(server);
    return server;
  };
  const web = together ? drained(createWeb({ fetch, websocket, ...limits })) : undefined;
  const listen = async (address: string): Promise<Server> => {
    await claim(address);
    const how: ListenOptions = { ...listenOptions, address, ...(web === undefined ? {} : { web }) };
    return transport.listen(service, dispatch.grpc, how);
  };
  const grpcServer = drained(await onFreePort(grpcAt, log, listen));
  const serveApart = (address: string): Promise<Server> => serve(address, { fetch, websocket, ...security });
  const httpServer = together ? grpcServer : drained(await onFreePort(httpAt, log, serveApart));
  log.info(`Server [grpc] Listening on ${grpcServer.address}`);
  log.info(`Server [http] Listening on ${httpServer.address}`);

  const stack = opened.move();
  return {
    grpcAddress: grpcServer.address,
    httpAddress: httpServer.address,
    healthAddress,
    renew(tls) {
      for (const server of new Set([grpcServer, httpServer])) server.renew?.(tls);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const defaultAddress = ":8080";

/** An address that was asked for must be free; the default may be taken on a laptop, never in a cluster, where others count on it. */
async function onFreePort(
  asked: string | undefined,
  log: Log,
  listen: (address: string) => Promise<Server>,
): Promise<Server> {
  if (asked !== undefined) return listen(asked);
  try {
    return await listen(defaultAddress);
  } catch (error) {
    const busy = error instanceof MicrorunError && error.code === "already_exists";
    if (!busy || process.env.KUBERNETES_SERVICE_HOST) throw error;
    log.warn(`${defaultAddress} is in use: taking a free port`);
    return listen(":0");
  }
}

function ownFetch({ fetch }: Definition, context: RuntimeContext, around: Stacked): Fetch | undefined {
  if (fetch === undefined) return undefined;
  const answer = around.web((visit) => fetch(visit.request, webContext(context, visit)));
  return (request, peer, _, upgrade) => answer({ request, peer, upgrade });
}

function webContext(context: RuntimeContext, { peer = "", upgrade, claims }: WebVisit): WebContext {
  const colon = peer.lastIndexOf(":");
  const hostname = peer.slice(0, Math.max(colon, 0)).replace(/^\[|\]$/g, "");
  const port = Number(peer.slice(colon + 1)) || 0;
  return {
    ...context,
    claims,
    upgrade: (_, options) => upgrade?.(options) ?? false,
    remoteAddr: { transport: "tcp", hostname, port },
    requestIP: () =>
      hostname === "" ? null : { address: hostname, port, family: isIPv6(hostname) ? "IPv6" : "IPv4" },
  };
}
