/** Names on the command line → what is loaded for them. Adding an implementation is a line here. */
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { Broker } from "./broker/broker.ts";
import type { Binary, BinaryOptions } from "./build/binary.ts";
import type { Bundle, BundleOptions } from "./build/bundle.ts";
import type { ModuleReader } from "./build/module-reader.ts";
import { didYouMean, type MicrorunError, usageError } from "./errors.ts";
import type { Sockets } from "./h2/h2.ts";
import type { Log } from "./log.ts";
import type { Registry } from "./registry/registry.ts";
import type { Selector } from "./selector/selector.ts";
import type { MeshSettings } from "./settings.ts";
import type { Transport } from "./transport/transport.ts";

export type { RbacObject } from "./kubernetes/rbac.ts";
export type { Facts, KubernetesObject, Mount, ObjectName, Port, Probes } from "./manifest/facts.ts";

/** What an implementation may need to be made. */
export interface PluginOptions {
  readonly mesh: MeshSettings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

export interface SelectorOptions extends PluginOptions {
  readonly registry: Registry;
}

/** Implementations by the name that a flag gives. */
export type Plugins<T, O = PluginOptions> = Readonly<Record<string, (options: O) => Promise<T>>>;

export const registries: Plugins<Registry> = {
  memory: async () => (await import("./registry/memory.ts")).memoryRegistry(),
  local: async ({ mesh, env, log }) =>
    (await import("./registry/local.ts")).localRegistry({
      folder: localFolder(env),
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
    return (await import("./kubernetes/registry.ts")).kubernetesRegistry({
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

export const brokers: Plugins<Broker> = {
  memory: async ({ log }) => (await import("./broker/memory.ts")).memoryBroker(log),
};

export const transports: Plugins<Transport> = {
  grpc: async ({ log }) => {
    const { http2Engine } = await import("./h2/engine.ts");
    const { h2Transport } = await import("./grpc/h2-transport.ts");
    const engine = http2Engine({ fault: (error) => log.error("a fault of the HTTP/2 engine", { error }) });
    return h2Transport({ engine, sockets: await ownSockets() });
  },
  "grpc-js": async () => (await import("./grpc/js-transport.ts")).grpcJsTransport(),
};

async function ownSockets(): Promise<Sockets> {
  if ("Bun" in globalThis) return (await import("./h2/bun-sockets.ts")).bunSockets();
  return (await import("./h2/node-sockets.ts")).nodeSockets();
}

/** Schemas and the services that every gRPC server has. */
export const grpc = {
  schema: (): Promise<typeof import("./grpc/schema.ts")> => import("./grpc/schema.ts"),
  types: (): Promise<typeof import("./grpc/types.ts")> => import("./grpc/types.ts"),
  health: (): Promise<typeof import("./grpc/health.ts")> => import("./grpc/health.ts"),
  reflection: (): Promise<typeof import("./grpc/reflection.ts")> => import("./grpc/reflection.ts"),
  reflected: (): Promise<typeof import("./grpc/reflected-schema.ts")> => import("./grpc/reflected-schema.ts"),
  debug: (): Promise<typeof import("./grpc/debug.ts")> => import("./grpc/debug.ts"),
};

export const http = {
  app: (): Promise<typeof import("./http/app.ts")> => import("./http/app.ts"),
  web: (): Promise<typeof import("./http/web.ts")> => import("./http/web.ts"),
  server: (): Promise<typeof import("./http/server.ts")> => import("./http/server.ts"),
};

export const kubernetes = {
  rbac: (): Promise<typeof import("./kubernetes/rbac.ts")> => import("./kubernetes/rbac.ts"),
  configAddress: (): Promise<typeof import("./kubernetes/config-address.ts")> =>
    import("./kubernetes/config-address.ts"),
  names: (): Promise<typeof import("./kubernetes/names.ts")> => import("./kubernetes/names.ts"),
  cluster: (): Promise<typeof import("./kubernetes/cluster.ts")> => import("./kubernetes/cluster.ts"),
  apply: (): Promise<typeof import("./kubernetes/apply.ts")> => import("./kubernetes/apply.ts"),
  rollout: (): Promise<typeof import("./kubernetes/rollout.ts")> => import("./kubernetes/rollout.ts"),
};

/** What makes something to ship. */
export const shipping = {
  bundle: async (): Promise<{
    readonly bundle: (options: BundleOptions) => Promise<Bundle>;
    readonly bundleFolder: string;
  }> => {
    const { bundle, bundleFolder } = await import("./build/bundle.ts");
    return { bundleFolder, bundle: async (options) => bundle(options, await moduleReader()) };
  },
  binary: async (): Promise<{ readonly buildBinary: (options: BinaryOptions) => Promise<Binary> }> => {
    const { buildBinary } = await import("./build/binary.ts");
    return { buildBinary: async (options) => buildBinary(options, await moduleReader()) };
  },
  protos: (): Promise<typeof import("./build/protos.ts")> => import("./build/protos.ts"),
  targets: (): Promise<typeof import("./build/targets.ts")> => import("./build/targets.ts"),
  runtime: (): Promise<typeof import("./build/runtime.ts")> => import("./build/runtime.ts"),
  registry: (): Promise<typeof import("./distribution/client.ts")> => import("./distribution/client.ts"),
  image: (): Promise<typeof import("./image/shipment.ts")> => import("./image/shipment.ts"),
  platform: (): Promise<typeof import("./image/platform.ts")> => import("./image/platform.ts"),
  manifest: (): Promise<typeof import("./manifest/manifest.ts")> => import("./manifest/manifest.ts"),
  manifestFiles: (): Promise<typeof import("./manifest/files.ts")> => import("./manifest/files.ts"),
};

async function moduleReader(): Promise<ModuleReader> {
  const { checkFile } = await import("./service/module-file.ts");
  const { importError } = await import("./service/import-error.ts");
  const { readProtoFiles } = await import("./grpc/proto-files.ts");
  return {
    check: checkFile,
    explain: importError,
    checkProtos: async (paths) => void (await (await import("./grpc/schema.ts")).loadSchema(paths)),
    protoFiles: async (paths) =>
      (await readProtoFiles(paths)).filter(({ path }) => isAbsolute(path)).map(({ path }) => path),
  };
}

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

/** Where the processes of one user on one machine find each other. */
function localFolder(env: PluginOptions["env"]): string {
  const own = env.XDG_RUNTIME_DIR;
  return own ? join(own, "microrun") : join(tmpdir(), `microrun-${process.getuid?.() ?? "user"}`);
}
