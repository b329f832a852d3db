/** `microrun get`: what the registry knows of one service, as `micro get service` prints it. */
import { MicrorunError, nearest } from "../../errors.ts";
import type { Instance, Registry } from "../../registry/registry.ts";
import { yamlText } from "../../yaml.ts";
import type { Input } from "../command/command.ts";
import { openRegistry, serviceWord } from "../command/discovery.ts";
import { jsonText } from "../command/output.ts";
import { outputFlags } from "../flags/tool-flags.ts";
import { readFlags } from "../flags/values.ts";
import { serviceObjects, serviceText } from "./service-text.ts";

export async function start({ words, given, env }: Input): Promise<number> {
  const name = serviceWord("get", words, "microrun get greeter");
  const { output } = readFlags(outputFlags, given, env);
  await using registry = await openRegistry({ given, env });
  const { found, all } = await look(registry, name);
  if (found.length === 0) return tellNotFound(name, all);
  if (output === "json") process.stdout.write(jsonText(serviceObjects(found)));
  else if (output === "yaml") process.stdout.write(yamlText(serviceObjects(found)));
  else process.stdout.write(serviceText(found, output === "wide"));
  return 0;
}

/** @param all that are known @returns the exit code */
export function tellNotFound(name: string, all: readonly Instance[]): 1 {
  const near = nearest(name, [...new Set(all.map(({ service }) => service))]);
  const hint = near === undefined ? "" : `  hint: did you mean ${near}?\n`;
  process.stderr.write(`Service not found\n${hint}`);
  return 1;
}

/** How long a namespace that nobody listed may take to answer. */
const firstSnapshotMs = 5000;

/**
 * Those that bear the name, wherever its namespace is, and all that are listed.
 * @throws MicrorunError where none is found as the registry refuses or is away
 */
export async function look(
  registry: Registry,
  name: string,
): Promise<Record<"found" | "all", readonly Instance[]>> {
  // a list waits for all who answer, and knows why nobody does
  const listed = await registry.list().catch((error: unknown) => MicrorunError.from(error));
  if (listed instanceof MicrorunError && listed.code === "unavailable") throw listed;
  const found = await first(registry.watch(name, AbortSignal.timeout(firstSnapshotMs)));
  if (found !== undefined && found.length > 0) return { found, all: [] };
  if (listed instanceof MicrorunError) throw listed;
  const trouble = registry.trouble?.(name) ?? (found === undefined ? "did not answer" : undefined);
  if (trouble === undefined) return { found: [], all: listed };
  throw new MicrorunError("unavailable", `cannot look for ${name}: the ${registry.name} registry ${trouble}`);
}

async function first<T>(all: AsyncIterable<T>): Promise<T | undefined> {
  for await (const one of all) return one;
  return undefined;
}
