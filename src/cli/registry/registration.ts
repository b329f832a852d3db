/** `microrun register` and `deregister`: a service that cannot announce itself, in Go Micro's JSON as `micro register` takes it. */
import { text } from "node:stream/consumers";
import { parseAddress } from "../../address.ts";
import { errorText, MicrorunError, usageError } from "../../errors.ts";
import { readServiceJson } from "../../micro-service-json.ts";
import type { Instance, Registry } from "../../registry/registry.ts";
import { aborted } from "../../wait.ts";
import type { Input } from "../command/command.ts";
import { openRegistry, serviceWord, stopSignal, toolLog } from "../command/discovery.ts";

const example = `'{"name":"db","version":"1","nodes":[{"id":"db-1","address":"10.0.0.5:9090"}]}'`;

export async function register({ words, given, env }: Input): Promise<number> {
  const instances = callable(definition("register", await written("register", words)));
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
  const instances = definition("deregister", await written("deregister", words));
  await using registry = await openRegistry({ given, env });
  for (const instance of instances) await registry.deregister(instance);
  process.stdout.write("ok\n");
  return 0;
}

/** The word that is the service, or all of stdin for `-`. */
async function written(command: string, words: readonly string[]): Promise<string> {
  const word = serviceWord(command, words, usage(command));
  return word === "-" ? await text(process.stdin) : word;
}

/**
 * @param json Go Micro's Service, or a list of one service's versions, as `microrun get --output=json` prints it
 * @throws MicrorunError `invalid_argument`
 */
export function definition(command: string, json: string): Instance[] {
  const wrong = (why: string, hint = `write ${usage(command)}`) => usageError(`${command}: ${why}`, hint);
  let instances: Instance[];
  try {
    instances = services(json).flatMap((one) => readServiceJson(one));
  } catch (error) {
    throw wrong(errorText(error), MicrorunError.from(error).hint);
  }
  const [first] = instances;
  if (first === undefined) throw wrong("the service has no nodes");
  const other = instances.find(({ service }) => service !== first.service);
  if (other === undefined) return instances;
  throw wrong(
    `${first.service} and ${other.service} are two services`,
    `call microrun ${command} once for each`,
  );
}

/** The JSON of each version. */
function services(json: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // its reader says why
    return [json];
  }
  return Array.isArray(value) ? value.map((one) => JSON.stringify(one)) : [json];
}

/** What nobody can call is not to be announced; taking it back is another matter. @throws MicrorunError `invalid_argument` */
export function callable(instances: readonly Instance[]): readonly Instance[] {
  for (const { id, address } of instances) {
    try {
      const place = parseAddress(address);
      if (place.path !== undefined || place.port !== 0) continue;
    } catch (error) {
      throw usageError(`register: node ${id}: ${errorText(error)}`, MicrorunError.from(error).hint);
    }
    throw usageError(`register: node ${id}: nobody is at port 0`, "name the port that it listens on");
  }
  return instances;
}

function usage(command: string): string {
  return `microrun ${command} ${example}`;
}
