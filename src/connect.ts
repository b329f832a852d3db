/** `connect()` of the public face: a client for scripts, by the settings of this run where the script says nothing else. */
import { parseAddress } from "./address.ts";
import type { ConnectedClient, ConnectOptions } from "./client/client.ts";
import { type Methods, methodsOf } from "./client/methods.ts";
import { checkOptions, type Kinds, kinds } from "./client/options.ts";
import { didYouMean, usageError } from "./errors.ts";
import type { Log } from "./log.ts";
import { type Outbound, openOutbound } from "./outbound.ts";
import * as plugins from "./plugins.ts";
import type { MeshSettings, Settings } from "./settings.ts";

/** What holds where the script says nothing else. */
export interface Connecting {
  readonly settings: () => Pick<
    Settings,
    "mesh" | "client" | "transport" | "maxMessageBytes" | "maxBufferBytes"
  >;
  readonly requestTimeoutMs: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** The name of this service, once it is known. */
  readonly from: () => string;
  /** The methods of the module's own `.proto` files, once they are known. */
  readonly methods: Methods;
}

export type Connect = (options?: ConnectOptions) => Promise<ConnectedClient>;

/** What each option must be. */
const table: Kinds<ConnectOptions> = {
  address: kinds.text,
  selector: kinds.text,
  registry: kinds.text,
  timeoutMs: kinds.duration,
  retries: kinds.count,
  from: kinds.text,
  proto: {
    what: "a path, or a list of them",
    is: (value) => [value].flat().every((path) => typeof path === "string" && path !== ""),
  },
};

export function createConnect(connecting: Connecting): Connect {
  const { env, log, from, methods } = connecting;
  return async (options = {}) => {
    check(options);
    const { address, proto } = options;
    const { mesh, client, transport, maxMessageBytes, maxBufferBytes } = connecting.settings();
    const outbound = await openOutbound({
      transport,
      maxMessageBytes,
      ...(maxBufferBytes === undefined ? {} : { maxBufferBytes }),
      mesh: meshOf(mesh, options, env),
      client: { ...client, retries: options.retries ?? client.retries },
      requestTimeoutMs: () => options.timeoutMs ?? connecting.requestTimeoutMs(),
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

function check(options: ConnectOptions): void {
  checkOptions("connect", options, table);
  const { address, selector, registry } = options;
  if (address !== undefined) parseAddress(address);
  mustBeKnown("selector", selector, Object.keys(plugins.selectors));
  mustBeKnown("registry", registry, Object.keys(plugins.registries));
}

/** Said here: plugins.ts would name a flag that nobody gave. */
function mustBeKnown(what: string, name: string | undefined, known: readonly string[]): void {
  if (name === undefined || known.includes(name)) return;
  throw usageError(
    `connect: ${what} ${name}: not known${didYouMean(name, known)}`,
    `use one of ${known.join(", ")}`,
  );
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
