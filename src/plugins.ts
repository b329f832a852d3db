/** Names on the command line → what is loaded for them. Adding an implementation is a line here. */
import type { Broker } from "./broker/broker.ts";
import { didYouMean, type MicrorunError, usageError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { Registry } from "./registry/registry.ts";
import type { Selector } from "./selector/selector.ts";
import type { Settings } from "./settings.ts";
import type { Transport } from "./transport/transport.ts";

/** What an implementation may need to be made. */
export interface PluginOptions {
  readonly addresses: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

/** Implementations by the name that a flag gives. */
export type Plugins<T> = Readonly<Record<string, (options: PluginOptions) => Promise<T>>>;

export const registries: Plugins<Registry> = {
  memory: async () => (await import("./registry/memory.ts")).memoryRegistry(),
};

export const selectors: Plugins<Selector> = {
  static: async ({ env }) => (await import("./selector/static.ts")).staticSelector(staticOptions(env)),
};

export const brokers: Plugins<Broker> = {
  memory: async ({ log }) => (await import("./broker/memory.ts")).memoryBroker(log),
};

export const transports: Plugins<Transport> = {
  grpc: async () => (await import("./grpc/transport.ts")).grpcTransport(),
};

/** Schemas and the services that every gRPC server has. */
export const grpc = {
  schema: (): Promise<typeof import("./grpc/schema.ts")> => import("./grpc/schema.ts"),
  types: (): Promise<typeof import("./grpc/types.ts")> => import("./grpc/types.ts"),
  health: (): Promise<typeof import("./grpc/health.ts")> => import("./grpc/health.ts"),
  reflection: (): Promise<typeof import("./grpc/reflection.ts")> => import("./grpc/reflection.ts"),
  debug: (): Promise<typeof import("./grpc/debug.ts")> => import("./grpc/debug.ts"),
};

export const http = {
  app: (): Promise<typeof import("./http/app.ts")> => import("./http/app.ts"),
  web: (): Promise<typeof import("./http/web.ts")> => import("./http/web.ts"),
  server: (): Promise<typeof import("./http/server.ts")> => import("./http/server.ts"),
};

/** What the module's `import … from "microrun"` gets. */
export const publicFace = (): Promise<Record<string, unknown>> => import("./mod.ts");

/** One of each kind, as the settings name them. */
export async function choose(settings: Settings, env: PluginOptions["env"], log: Log): Promise<Chosen> {
  const make = <T>(
    kind: Plugins<T>,
    flag: string,
    name: string,
    addresses: readonly string[] = [],
  ): Promise<T> => {
    const plugin = kind[name];
    if (plugin === undefined) throw unknownPlugin(flag, name, Object.keys(kind));
    return plugin({ addresses, env, log });
  };
  return {
    transport: await make(transports, "transport", settings.transport),
    registry: await make(registries, "registry", settings.registry, settings.registryAddress),
    selector: await make(selectors, "selector", settings.selector),
    broker: await make(brokers, "broker", settings.broker, settings.brokerAddress),
  };
}

export interface Chosen {
  readonly transport: Transport;
  readonly registry: Registry;
  readonly selector: Selector;
  readonly broker: Broker;
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
