/** `microrun services`: the names of all services that the registry knows, as `micro list services` prints them. */
import { usageError } from "../../errors.ts";
import type { Instance } from "../../registry/registry.ts";
import { yamlText } from "../../yaml.ts";
import type { Input } from "../command/command.ts";
import { openRegistry } from "../command/discovery.ts";
import { jsonText, plain, tableText } from "../command/output.ts";
import { outputFlags } from "../flags/tool-flags.ts";
import { readFlags } from "../flags/values.ts";
import { byVersion } from "./service-text.ts";

export interface Listed {
  readonly name: string;
  readonly versions: readonly string[];
  readonly instances: number;
}

export async function start({ words: [word], given, env }: Input): Promise<number> {
  // Go Micro's tool has it as `list services`
  if (word !== undefined && word !== "services")
    throw usageError(`services: unexpected ${word}`, `use microrun get ${word} for one service`);
  const { output } = readFlags(outputFlags, given, env);
  await using registry = await openRegistry({ given, env });
  process.stdout.write(servicesText(await registry.list(), output));
  return 0;
}

export function servicesText(instances: readonly Instance[], output?: string): string {
  const all = listed(instances);
  if (output === "json") return jsonText(all);
  if (output === "yaml") return yamlText(all);
  if (output !== "wide") return all.map(({ name }) => `${plain(name)}\n`).join("");
  const rows = all.map(({ name, versions, instances: count }) => [
    plain(name),
    plain(versions.join(",")),
    `${count}`,
  ]);
  return tableText([["NAME", "VERSIONS", "INSTANCES"], ...rows]);
}

function listed(instances: readonly Instance[]): Listed[] {
  const names = new Map<string, Instance[]>();
  for (const one of instances) names.set(one.service, [...(names.get(one.service) ?? []), one]);
  return [...names]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, own]) => ({
      name,
      versions: byVersion(own).map(([first]) => first!.version),
      instances: own.length,
    }));
}
