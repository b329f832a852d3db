/** `connect()` of the public face: a client for scripts, by the settings of this run where the script says nothing else. */
import type { ConnectedClient, ConnectOptions } from "./client/client.ts";
import { type Methods, methodsOf } from "./client/methods.ts";
import { didYouMean, usageError } from "./errors.ts";
import type { Log } from "./log.ts";
import { type Outbound, openOutbound } from "./outbound.ts";
import * as plugins from "./plugins.ts";
import type { ClientSettings, MeshSettings, Settings } from "./settings.ts";

/** What holds where the script says nothing else. */
export interface Connecting {
  readonly settings: Pick<Settings, "mesh" | "client" | "transport" | "maxMessageBytes">;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** The name of this service, once it is known. */
  readonly from: () => string;
  /** The methods of the module's own `.proto` files, once they are known. */
  readonly methods: Methods;
}

export type Connect = (options?: ConnectOptions) => Promise<ConnectedClient>;

/** What each option must be. */
const kinds: Record<keyof ConnectOptions, (value: unknown) => boolean> = {
  address: (value) => typeof value === "string" && value !== "",
  selector: (value) => typeof value === "string",
  registry: (value) => typeof value === "string",
  timeoutMs: (value) => typeof value === "number" && value > 0,
  retries: (value) => Number.isInteger(value) && Number(value) >= 0,
  from: (value) => typeof value === "string" && value !== "",
  proto: (value) => [value].flat().every((path) => typeof path === "string"),
};

export function createConnect({ settings, env, log, from, methods }: Connecting): Connect {
  return async (options = {}) => {
    checkOptions(options);
    const { address, proto } = options;
    const outbound = await openOutbound({
      ...settings,
      mesh: meshOf(settings.mesh, options, env),
      client: clientOf(settings.client, options),
      from: options.from ?? from(),
      methods: proto === undefined ? methods : await schemaMethods([proto].flat()),
      env,
      log,
    });
    return connected(outbound, address);
  };
}

async function schemaMethods(paths: readonly string[]): Promise<Methods> {
  const { loadSchema } = await plugins.grpc.schema();
  return methodsOf((await loadSchema(paths)).services);
}

function connected(outbound: Outbound, address: string | undefined): ConnectedClient {
  const client = outbound.client();
  const at = address === undefined ? {} : { address };
  return {
    call: (service, endpoint, request, how) => client.call(service, endpoint, request, { ...at, ...how }),
    stream: (service, endpoint, request, how) => client.stream(service, endpoint, request, { ...at, ...how }),
    [Symbol.asyncDispose]: () => outbound[Symbol.asyncDispose](),
  };
}

function checkOptions(options: ConnectOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(kinds, name))
      throw usageError(
        `connect: unknown option ${name}${didYouMean(name, Object.keys(kinds))}`,
        `use ${Object.keys(kinds).join(", ")}`,
      );
    if (value !== undefined && !kinds[name as keyof ConnectOptions](value))
      throw usageError(`connect: ${name} is no ${name}: ${String(value)}`, "see docs/clients.md");
  }
}

/** Selectors that ask no registry. */
const blind = new Set(["static", "dns"]);

function meshOf(mesh: MeshSettings, options: ConnectOptions, env: Connecting["env"]): MeshSettings {
  // an address needs nobody who looks for one
  if (options.address !== undefined) return { ...mesh, selector: "static", registry: "memory" };
  const { selector = mesh.selector } = options;
  if (selector === "hash" && mesh.selectorKey === "")
    throw usageError("connect: selector hash chooses by a metadata key", "name it by --selector_key");
  // a run that looks for nothing has the registry that knows nothing
  const own = mesh.registry === "memory" && !blind.has(selector) ? undefined : mesh.registry;
  const registry = options.registry ?? own ?? (env.KUBERNETES_SERVICE_HOST ? "kubernetes" : "local");
  return { ...mesh, selector, registry };
}

function clientOf(client: ClientSettings, { timeoutMs, retries }: ConnectOptions): ClientSettings {
  return {
    ...client,
    requestTimeoutMs: timeoutMs ?? client.requestTimeoutMs,
    retries: retries ?? client.retries,
  };
}
