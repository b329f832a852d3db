/** How an instance is started: its words, and the variables by which it finds the others and they find it. */
import type { Instance } from "./dev.ts";
import type { Launch } from "./process.ts";

export interface LaunchOptions {
  /** The words that start this program. */
  readonly program: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly registry: string;
  /** Of the registry, for this run alone. */
  readonly registryFolder: string;
  readonly color: boolean;
  /** The dashboard may look into the modules. */
  readonly inspect: boolean;
  /** @default what the environment says */
  readonly logLevel?: string | undefined;
}

export function launchOf({ plan, port }: Instance, options: LaunchOptions): Launch {
  const { program, env, registry, registryFolder, color, inspect, logLevel } = options;
  const { module, command, flags, args, cwd } = plan;
  const address = port === undefined ? undefined : `127.0.0.1:${port}`;
  const local = registry === "local";
  const variables = {
    ...env,
    MICRO_SERVER_ADDRESS: address,
    MICRO_SERVER_NAME: plan.serverName,
    // what a service of another make does not know would end it
    MICRO_REGISTRY: local && module === undefined ? undefined : registry,
    MICRO_REGISTRY_ADDRESS: local ? registryFolder : undefined,
    ...(module === undefined
      ? { PORT: port === undefined ? env.PORT : String(port) }
      : {
          MICRO_BROKER: "http",
          MICRO_BROKER_ADDRESS: "127.0.0.1:0",
          MICRO_LOG_FORMAT: "text",
          ...(inspect ? { MICRO_INSPECT: "true" } : {}),
          ...(logLevel === undefined ? {} : { MICRO_LOG_LEVEL: logLevel }),
        }),
    ...(color ? { FORCE_COLOR: "1", NO_COLOR: undefined } : { NO_COLOR: "1", FORCE_COLOR: undefined }),
    ...plan.env,
  };
  const words =
    module === undefined
      ? (command ?? [])
      : [...program, "run", module, ...flags, ...(usesWorkers(plan) ? [] : ["--watch"]), "--", ...args];
  const isModule = module !== undefined;
  return {
    ...{ words, cwd, env: present(variables) },
    ...{ group: !isModule, restarts: isModule && !usesWorkers(plan) },
  };
}

/** Several workers cannot be watched: a change of their files does not restart them. */
export function usesWorkers({ flags, env }: Instance["plan"]): boolean {
  const workers = flags.findLast((flag) => flag.startsWith("--workers="))?.slice("--workers=".length);
  return (workers ?? env.MICRO_WORKERS ?? "1") !== "1";
}

function present(variables: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
