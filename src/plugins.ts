/** Names on the command line → what is loaded for them. Adding an implementation is a line here. */
import { parseAddress } from "./address.ts";
import type { OpenBroker } from "./broker/broker.ts";
import type { Fetch, MessageType } from "./call.ts";
import { didYouMean, type MicrorunError, usageError } from "./errors.ts";
import type { Sockets } from "./h2/h2.ts";
import type { HttpOptions } from "./http/server.ts";
import type { Log } from "./log.ts";
import type { Registry } from "./registry/registry.ts";
import type { Runtime } from "./runtime/runtime.ts";
import type { Selector } from "./selector/selector.ts";
import type { MeshSettings } from "./settings.ts";
import type { Server, Transport } from "./transport/transport.ts";

export type { RbacObject } from "./kubernetes/permissions/rbac.ts";

/** What an implementation may need to be made. */
export interface PluginOptions {
  readonly mesh: MeshSettings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** What a transport may hold for its peers. @default a share of the memory that there is */
  readonly maxBufferBytes?: number;
  /** How many processes share that memory. @default 1 */
  readonly processes?: number;
}

export interface SelectorOptions extends PluginOptions {
  readonly registry: Registry;
}

export interface BrokerOptions extends PluginOptions {
  readonly registry: Registry;
  /** The messages of the service's `.proto` files by full name. @default none */
  readonly message?: (name: string) => MessageType | undefined;
  /** Of CloudEvents, where they name none. */
  readonly source: string;
  readonly maxMessageBytes: number;
  readonly drainTimeoutMs: number;
}

/** `host` may have a server of its own: else our own sockets serve. */
export interface ServeHttpOptions extends Omit<HttpOptions, "serve"> {
  readonly host: Pick<Runtime, "serve">;
}

/** Implementations by the name that a flag gives. */
export type Plugins<T, O = PluginOptions> = Readonly<Record<string, (options: O) => Promise<T>>>;

export const registries: Plugins<Registry> = {
  memory: async () => (await import("./registry/memory.ts")).memoryRegistry(),
  local: async ({ mesh, env, log }) =>
    (await import("./registry/local.ts")).localRegistry({
      folder: (await import("./registry/local-place.ts")).localPlace(mesh.registryAddress, env),
      ttlMs: mesh.registerTtlMs,
      intervalMs: mesh.registerIntervalMs,
      log,
    }),
  mdns: async ({ mesh, log }) =>
    (await import("./registry/mdns.ts")).mdnsRegistry({
      ttlMs: mesh.registerTtlMs,
      intervalMs: mesh.registerIntervalMs,
      log,
    }),
  kubernetes: async ({ mesh, env, log }) => {
    const [server, ...more] = mesh.registryAddress;
    if (more.length > 0)
      throw usageError(
        `--registry_address=${mesh.registryAddress.join(",")}: kubernetes takes one address`,
        "give the URL of one API server, or of what balances several",
      );
    return (await import("./kubernetes/registry/registry.ts")).kubernetesRegistry({
      ...mesh.kubernetes,
      ...(server === undefined ? {} : { server }),
      format: mesh.registryFormat,
      intervalMs: mesh.registerIntervalMs,
      env,
      log,
    });
  },
};

const balanced =
  (strategy: "random" | "roundrobin" | "p2c" | "hash") =>
  async ({ mesh, registry, log }: SelectorOptions): Promise<Selector> =>
    (await import("./selector/balanced.ts")).balancedSelector({
      strategy,
      registry,
      key: mesh.selectorKey,
      ...(mesh.zone === undefined ? {} : { zone: mesh.zone }),
      log,
    });

export const selectors: Plugins<Selector, SelectorOptions> = {
  static: async ({ env }) => (await import("./selector/static.ts")).staticSelector(staticOptions(env)),
  dns: async ({ env, log }) =>
    (await import("./selector/dns.ts")).dnsSelector({ ...staticOptions(env), log }),
  random: balanced("random"),
  roundrobin: balanced("roundrobin"),
  p2c: balanced("p2c"),
  hash: balanced("hash"),
};

export const brokers: Plugins<OpenBroker, BrokerOptions> = {
  memory: async (options) => (await import("./broker/memory.ts")).memoryBroker(options.log, options),
  http: async (options) => {
    const { advertisedAddress, reachOf } = await import("./registry/advertise.ts");
    const { mesh } = options;
    checkEventsAddress(mesh.brokerAddress[0]);
    return (await import("./broker/http.ts")).httpBroker({
      ...options,
      advertise: (listening) => advertisedAddress(listening, reachOf(mesh.registry)),
      listen: (fetch) => listenForEvents(fetch, options),
    });
  },
  nats: async (options) =>
    (await import("./broker/nats.ts")).natsBroker({ ...options, addresses: options.mesh.brokerAddress }),
};

/** Told at the start, though the port is opened at the first subscription. */
function checkEventsAddress(asked: string | undefined): void {
  if (asked === undefined) return;
  // there may be a password in it
  if (asked.includes("://"))
    throw usageError("--broker_address: a URL, which --broker=http does not listen on", "add --broker=nats");
  parseAddress(asked);
}

async function listenForEvents(fetch: Fetch, { mesh, env, log }: BrokerOptions): Promise<Server> {
  if (mesh.registry === "kubernetes" && mesh.registryFormat !== "micro")
    throw usageError(
      `--broker=http: a Pod that is registered in ${mesh.registryFormat}'s form tells of one service alone`,
      "use --broker=nats, or --registry_format=micro",
    );
  const { serveHttp } = await http.server();
  const { hostRuntime } = await import("./runtime/host.ts");
  const host = await hostRuntime();
  const [asked] = mesh.brokerAddress;
  const usual = env.KUBERNETES_SERVICE_HOST ? ":10001" : "127.0.0.1:0";
  const server = await serveHttp({ address: asked ?? usual, fetch, host, log }).catch((error) => {
    // others learn the port from the registry: any will do
    if (asked === undefined && error.code === "already_exists")
      return serveHttp({ address: ":0", fetch, host, log });
    throw error;
  });
  log.info(`Broker [http] Listening on ${server.address}`);
  return server;
}

export const transports: Plugins<Transport> = {
  grpc: async ({ log, maxBufferBytes, processes }) => {
    const { http2Engine } = await import("./h2/engine.ts");
    const { h2Transport } = await import("./grpc/h2/transport.ts");
    const engine = http2Engine({
      maxMemoryBytes: maxBufferBytes ?? (await import("./workers/memory-limit.ts")).memoryShare(processes),
      // each port counts its own
      maxConnections: Number.POSITIVE_INFINITY,
      fault: (error) => log.error("a fault of the HTTP/2 engine", { error }),
    });
    return h2Transport({ engine, sockets: await ownSockets() });
  },
  "grpc-js": async () => (await import("./grpc/js/transport.ts")).grpcJsTransport(),
};

async function ownSockets(): Promise<Sockets> {
  if ("Bun" in globalThis) return (await import("./h2/bun-sockets.ts")).bunSockets();
  return (await import("./h2/node-sockets.ts")).nodeSockets();
}

/** Schemas and the services that every gRPC server has. */
export const grpc = {
  schema: (): Promise<typeof import("./grpc/schema/schema.ts")> => import("./grpc/schema/schema.ts"),
  types: (): Promise<typeof import("./grpc/schema/types.ts")> => import("./grpc/schema/types.ts"),
  health: (): Promise<typeof import("./grpc/services/health.ts")> => import("./grpc/services/health.ts"),
  reflection: (): Promise<typeof import("./grpc/services/reflection.ts")> =>
    import("./grpc/services/reflection.ts"),
  reflected: (): Promise<typeof import("./grpc/schema/reflected-schema.ts")> =>
    import("./grpc/schema/reflected-schema.ts"),
  builtin: (): Promise<typeof import("./grpc/services/builtin-methods.ts")> =>
    import("./grpc/services/builtin-methods.ts"),
  debug: (): Promise<typeof import("./grpc/services/debug.ts")> => import("./grpc/services/debug.ts"),
  inspect: (): Promise<typeof import("./grpc/services/inspect.ts")> => import("./grpc/services/inspect.ts"),
};

export const gateway = {
  entrance: (): Promise<typeof import("./gateway/entrance.ts")> => import("./gateway/entrance.ts"),
  passThrough: (): Promise<typeof import("./gateway/pass-through.ts")> => import("./gateway/pass-through.ts"),
};

export const middleware = {
  jwt: (): Promise<typeof import("./middleware/jwt.ts")> => import("./middleware/jwt.ts"),
  rateLimit: (): Promise<typeof import("./middleware/rate-limit.ts")> => import("./middleware/rate-limit.ts"),
};

/** REST, and its description. */
export const rest = {
  routes: (): Promise<typeof import("./rest/routes.ts")> => import("./rest/routes.ts"),
  document: (): Promise<typeof import("./openapi/document.ts")> => import("./openapi/document.ts"),
  pages: (): Promise<typeof import("./openapi/pages.ts")> => import("./openapi/pages.ts"),
};

export const http = {
  body: (): Promise<typeof import("./http/body.ts")> => import("./http/body.ts"),
  query: (): Promise<typeof import("./http/query.ts")> => import("./http/query.ts"),
  cors: (): Promise<typeof import("./http/cors.ts")> => import("./http/cors.ts"),
  health: (): Promise<typeof import("./http/health.ts")> => import("./http/health.ts"),
  app: (): Promise<typeof import("./http/app.ts")> => import("./http/app.ts"),
  web: (): Promise<typeof import("./h1/web.ts")> => import("./h1/web.ts"),
  server: async (): Promise<{ readonly serveHttp: (options: ServeHttpOptions) => Promise<Server> }> => {
    const { serveHttp } = await import("./http/server.ts");
    const ownServe = async () => (await import("./h1/serve.ts")).serveWithSockets(await ownSockets());
    return {
      serveHttp: async ({ host, ...options }) =>
        serveHttp({
          ...options,
          // a host's own server keeps its certificates for ever
          serve: (options.tls === undefined ? host.serve : undefined) ?? (await ownServe()),
        }),
    };
  },
};

export const dashboard = {
  board: (): Promise<typeof import("./dashboard/dashboard.ts")> => import("./dashboard/dashboard.ts"),
};

export const certificates = {
  renewal: (): Promise<typeof import("./certificates/renewal.ts")> => import("./certificates/renewal.ts"),
};

export const workers = {
  lines: (): Promise<typeof import("./workers/line-writer.ts")> => import("./workers/line-writer.ts"),
  cores: (): Promise<typeof import("./workers/cpu-limit.ts")> => import("./workers/cpu-limit.ts"),
  claim: (): Promise<typeof import("./workers/claim.ts")> => import("./workers/claim.ts"),
  supervisor: (): Promise<typeof import("./workers/supervisor.ts")> => import("./workers/supervisor.ts"),
};

export const dev = (): Promise<typeof import("./dev/run.ts")> => import("./dev/run.ts");

export const kubernetes = {
  rbac: (): Promise<typeof import("./kubernetes/permissions/rbac.ts")> =>
    import("./kubernetes/permissions/rbac.ts"),
  configAddress: (): Promise<typeof import("./kubernetes/config-address.ts")> =>
    import("./kubernetes/config-address.ts"),
  names: (): Promise<typeof import("./kubernetes/names.ts")> => import("./kubernetes/names.ts"),
  cluster: (): Promise<typeof import("./kubernetes/api/cluster.ts")> => import("./kubernetes/api/cluster.ts"),
  apply: (): Promise<typeof import("./kubernetes/deploy/apply.ts")> => import("./kubernetes/deploy/apply.ts"),
  rollout: (): Promise<typeof import("./kubernetes/deploy/rollout.ts")> =>
    import("./kubernetes/deploy/rollout.ts"),
};

/** The one of a kind that a flag names. */
export function choose<T, O>(kind: Plugins<T, O>, flag: string, name: string, options: O): Promise<T> {
  const plugin = kind[name];
  if (plugin === undefined) throw unknownPlugin(flag, name, Object.keys(kind));
  return plugin(options);
}

function unknownPlugin(flag: string, name: string, known: readonly string[]): MicrorunError {
  return usageError(
    `--${flag}=${name}: no such ${flag}${didYouMean(name, known)}`,
    `use one of ${known.join(", ")}`,
  );
}

/** As micro/kubernetes reads them: these two bear no `MICRO_` prefix. */
function staticOptions(env: PluginOptions["env"]): { domain?: string; port?: number } {
  const domain = env.STATIC_SELECTOR_DOMAIN_NAME;
  const port = env.STATIC_SELECTOR_PORT_NUMBER;
  if (port && !(Number(port) >= 1 && Number(port) <= 65_535)) {
    throw usageError(`STATIC_SELECTOR_PORT_NUMBER=${port}: not a port`, "set it to a number from 1 to 65535");
  }
  return { ...(domain ? { domain } : {}), ...(port ? { port: Number(port) } : {}) };
}
