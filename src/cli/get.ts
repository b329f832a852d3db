/** `microrun get`: what the registry knows of one service, as `micro get service` prints it. */
import { nearest } from "../errors.ts";
import { bearers } from "../service-name.ts";
import { yamlText } from "../yaml.ts";
import type { Input } from "./command.ts";
import { openRegistry, serviceWord } from "./discovery.ts";
import { jsonText } from "./output.ts";
import { serviceObjects, serviceText } from "./service-text.ts";
import { outputFlags } from "./tool-flags.ts";
import { readFlags } from "./values.ts";

export async function start({ words, given, env }: Input): Promise<number> {
  const name = serviceWord("get", words, "microrun get greeter");
  const { output } = readFlags(outputFlags, given, env);
  await using registry = await openRegistry({ given, env });
  const all = await registry.list();
  const found = bearers(all, name);
  if (found.length === 0) {
    const near = nearest(name, [...new Set(all.map(({ service }) => service))]);
    const hint = near === undefined ? "" : `  hint: did you mean ${near}?\n`;
    process.stderr.write(`Service not found\n${hint}`);
    return 1;
  }
  if (output === "json") process.stdout.write(jsonText(serviceObjects(found)));
  else if (output === "yaml") process.stdout.write(yamlText(serviceObjects(found)));
  else process.stdout.write(serviceText(found, output === "wide"));
  return 0;
}
