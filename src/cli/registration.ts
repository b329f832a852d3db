/** `microrun register` and `deregister`: a service that cannot announce itself, in Go Micro's JSON as `micro register` takes it. */
import { errorText, MicrorunError, usageError } from "../errors.ts";
import { readServiceJson } from "../micro-service-json.ts";
import type { Instance, Registry } from "../registry/registry.ts";
import { aborted } from "../wait.ts";
import type { Input } from "./command.ts";
import { openRegistry, serviceWord, stopSignal, toolLog } from "./discovery.ts";

const example = `'{"name":"db","version":"1","nodes":[{"id":"db-1","address":"10.0.0.5:9090"}]}'`;

export async function register({ words, given, env }: Input): Promise<number> {
  const instances = definition("register", words);
  const signal = stopSignal();
  // a registry that refuses says so in the log and goes on: here that is the answer
  let complaints = 0;
  const log = toolLog(env, () => complaints++);
  await using registry = await openRegistry({ given, env }, log);
  // awaited: the registry must outlive what is announced in it
  return await announce(registry, instances, { signal, refused: () => complaints > 0 });
}

interface Announcing {
  /** Ends what lasts only as long as this process. */
  readonly signal: AbortSignal;
  /** The registry said that it does not take it. */
  readonly refused: () => boolean;
}

export async function announce(
  registry: Registry,
  instances: readonly Instance[],
  { signal, refused }: Announcing,
): Promise<number> {
  await using registrations = new AsyncDisposableStack();
  for (const instance of instances) registrations.use(await registry.register(instance));
  if (refused()) return 1;
  process.stdout.write("ok\n");
  if (registry.persistent) {
    // stays in the registry: not to be taken back
    registrations.move();
    return 0;
  }
  process.stderr.write(`registered in ${registry.name} as long as this runs: stop it by Ctrl-C\n`);
  await aborted(signal);
  return 0;
}

export async function deregister({ words, given, env }: Input): Promise<number> {
  const instances = definition("deregister", words);
  await using registry = await openRegistry({ given, env });
  for (const instance of instances) await registry.deregister(instance);
  process.stdout.write("ok\n");
  return 0;
}

/** @throws MicrorunError `invalid_argument` */
export function definition(command: string, words: readonly string[]): Instance[] {
  const text = serviceWord(command, words, `microrun ${command} ${example}`);
  let instances: Instance[];
  try {
    instances = readServiceJson(text);
  } catch (error) {
    const { hint } = MicrorunError.from(error);
    throw usageError(`${command}: ${errorText(error)}`, hint ?? `write microrun ${command} ${example}`);
  }
  if (instances.length > 0) return instances;
  throw usageError(`${command}: the service has no nodes`, `write microrun ${command} ${example}`);
}
