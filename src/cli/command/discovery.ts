/** The registry that a command is about, and what is told while it is asked. */
import { usageError } from "../../errors.ts";
import { createLog, type Log } from "../../log.ts";
import { choose, registries } from "../../plugins.ts";
import type { Registry } from "../../registry/registry.ts";
import type { MeshSettings } from "../../settings.ts";
import { discoveryFlags } from "../flags/discovery-flags.ts";
import { type Environment, readFlags } from "../flags/values.ts";
import type { Input } from "./command.ts";
import { readMesh } from "./settings.ts";
import { wantsColor } from "./terminal.ts";

export async function openRegistry(
  { given, env }: Pick<Input, "given" | "env">,
  log: Log = toolLog(env),
): Promise<Registry> {
  const mesh = registryMesh({ given, env });
  return choose(registries, "registry", mesh.registry, { mesh, env, log });
}

/** How services find each other, for who always asks a registry. @throws MicrorunError `invalid_argument` for one that nobody else can see */
export function registryMesh({ given, env }: Pick<Input, "given" | "env">): MeshSettings {
  const usual = env.KUBERNETES_SERVICE_HOST ? "kubernetes" : "local";
  const asked = readFlags({ registry: discoveryFlags.registry }, given, env);
  const registry = asked.registry ?? usual;
  if (registry === "memory") {
    throw usageError("--registry=memory: lives within one process", "use local, mdns or kubernetes");
  }
  return { ...readMesh(given, env), registry };
}

/** A command's own output is its answer: of the log only what went wrong, on stderr. */
export function toolLog(env: Environment, told: (line: string) => void = () => {}): Log {
  return createLog({
    level: env.MICRO_LOG_LEVEL === "debug" ? "debug" : "warn",
    format: "text",
    color: wantsColor(env, process.stderr),
    write(line) {
      told(line);
      process.stderr.write(`${line}\n`);
    },
  });
}

/** Aborted by SIGINT and SIGTERM, and when nobody reads stdout any more. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
  return AbortSignal.any([stop.signal, unreadSignal()]);
}

/** Aborted when nobody reads stdout any more, as behind `| head -1`. */
export function unreadSignal(): AbortSignal {
  const unread = new AbortController();
  process.stdout.on("error", () => unread.abort());
  return unread.signal;
}

/**
 * The service that the first word names, where `service` may stand before it as in `micro get service greeter`.
 * @throws MicrorunError `invalid_argument` for more words than that, or none
 */
export function serviceWord(command: string, words: readonly string[], example: string): string {
  const [word, more] = words[0] === "service" && words.length > 1 ? words.slice(1) : words;
  if (word === undefined) throw usageError(`${command}: requires a service`, `write ${example}`);
  if (more !== undefined) throw usageError(`${command}: unexpected ${more}`, `name one service: ${example}`);
  return word;
}
