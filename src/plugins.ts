/** Names on the command line → what is loaded for them. Adding an implementation is a line here. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Broker } from "./broker/broker.ts";
import type { ConfigSource } from "./config/config.ts";
import { parseSourceAddress, type SourceAddress } from "./config/source-address.ts";
import { didYouMean, type MicrorunError, usageError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { Registry } from "./registry/registry.ts";
import type { Selector } from "./selector/selector.ts";
import type { KubernetesSettings, MeshSettings } from "./settings.ts";
import type { Transport } from "./transport/transport.ts";

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
  grpc: async () => (await import("./grpc/transport.ts")).grpcTransport(),
};

/** What a source of configuration may need to be made. */
export interface ConfigOptions {
  readonly kubernetes: KubernetesSettings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

interface AddressedOptions extends ConfigOptions {
  readonly address: SourceAddress;
  /** The connection that all sources of a cluster have together. */
  readonly cluster: () => ReturnType<typeof import("./kubernetes/cluster.ts")["openCluster"]>;
}

const clusterObject =
  (kind: "configmap" | "secret") =>
  async (options: AddressedOptions): Promise<ConfigSource> => {
    const { readEntries } = await import("./config/documents.ts");
    const { configMapSource } = await import("./kubernetes/config-source.ts");
    return configMapSource({ ...options, kind, read: readEntries });
  };

/** By the scheme of a source's address. */
export const configs: Plugins<ConfigSource, AddressedOptions> = {
  env: async ({ address, env }) => {
    const { strip } = checkedQuery(address, ["strip"]);
    return (await import("./config/env.ts")).envSource(env, { prefix: address.path, strip });
  },
  file: async ({ address, log }) => {
    const { text, path } = address;
    const { required, optional } = checkedQuery(address, ["required", "optional"], ["format"]);
    const format = address.query.get("format") ?? "lines";
    if (format !== "lines" && format !== "raw")
      throw usageError(`--config=${text}: no such format: ${format}`, "use format=lines or format=raw");
    if (path === "") throw usageError(`--config=${text}: names no file`, "write file:./config.yaml");
    return (await import("./config/file.ts")).fileSource(path, { log, required, optional, format });
  },
  configmap: clusterObject("configmap"),
  secret: clusterObject("secret"),
};

/** @throws MicrorunError `invalid_argument` for what cannot be a source */
export function configAddress(text: string): SourceAddress {
  const address = parseSourceAddress(text);
  if (Object.hasOwn(configs, address.scheme)) return address;
  const known = Object.keys(configs);
  throw usageError(
    `--config=${text}: no such source: ${address.scheme}${didYouMean(address.scheme, known)}`,
    `use one of ${known.map((scheme) => `${scheme}:`).join(", ")}`,
  );
}

/** @param texts as `--config` has them @throws MicrorunError `invalid_argument` */
export function openSources(texts: readonly string[], options: ConfigOptions): Promise<ConfigSource[]> {
  let connection: Promise<AddressedOptions["cluster"]> | undefined;
  const connect = async (): Promise<AddressedOptions["cluster"]> => {
    const { sharedCluster } = await import("./kubernetes/shared-cluster.ts");
    const { openCluster } = await import("./kubernetes/cluster.ts");
    const { kubernetes, env, log } = options;
    return sharedCluster(() => openCluster({ ...kubernetes, env, log }));
  };
  const cluster: AddressedOptions["cluster"] = async () => {
    connection ??= connect();
    return (await connection)();
  };
  return Promise.all(
    texts.map(async (text) => {
      const address = configAddress(text);
      const source = await configs[address.scheme]!({ ...options, address, cluster });
      return { ...source, name: sourceName(address) };
    }),
  );
}

/** As written, but for what says nothing of where it is. */
function sourceName({ text, query }: SourceAddress): string {
  const [place = ""] = text.split("?");
  const parts = [...query].filter(([key]) => key !== "required" && key !== "optional");
  const written = parts.map(([key, value]) => (value === "" ? key : `${key}=${value}`));
  return written.length === 0 ? place : `${place}?${written.join("&")}`;
}

/** Switches that are set, no other words than are known. */
function checkedQuery<const S extends string>(
  { text, query }: SourceAddress,
  switches: readonly S[],
  values: readonly string[] = [],
): Record<S, boolean> {
  const known: readonly string[] = [...switches, ...values];
  const wrong = (why: string, hint: string) => usageError(`--config=${text}: ${why}`, hint);
  const stranger = [...query.keys()].find((key) => !known.includes(key));
  if (stranger !== undefined)
    throw wrong(
      `no such option: ${stranger}${didYouMean(stranger, known)}`,
      `use one of ${known.join(", ")}`,
    );
  const set = Object.fromEntries(
    switches.map((key) => [key, query.has(key) && query.get(key) !== "false"]),
  ) as Record<S, boolean>;
  const { required, optional } = set as Record<string, boolean>;
  if (required && optional) throw wrong("it cannot be required and optional", "leave out one of them");
  return set;
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

/** Where the processes of one user on one machine find each other. */
function localFolder(env: PluginOptions["env"]): string {
  const own = env.XDG_RUNTIME_DIR;
  return own ? join(own, "microrun") : join(tmpdir(), `microrun-${process.getuid?.() ?? "user"}`);
}
