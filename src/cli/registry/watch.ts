/** `microrun watch`: a line for each change of a service's instances, until stopped. */
import { serviceJson } from "../../micro-service-json.ts";
import type { Instance } from "../../registry/registry.ts";
import type { Input } from "../command/command.ts";
import { openRegistry, serviceWord, stopSignal } from "../command/discovery.ts";
import { plain } from "../command/output.ts";
import { watchFlags } from "../flags/tool-flags.ts";
import { readFlags } from "../flags/values.ts";

/** As Go Micro's watchers tell it. */
export interface Change {
  readonly action: "create" | "update" | "delete";
  readonly instance: Instance;
}

export async function start({ words, given, env }: Input): Promise<number> {
  const name = serviceWord("watch", words, "microrun watch greeter");
  const { output } = readFlags(watchFlags, given, env);
  const signal = stopSignal();
  await using registry = await openRegistry({ given, env });
  // a watch waits for a registry that cannot be reached, whoever asks wants to know
  await registry.list();
  for await (const change of changes(registry.watch(name, signal))) {
    process.stdout.write(output === "json" ? changeJson(change) : changeText(change, new Date()));
  }
  return 0;
}

/** What the snapshots differ in; those of the first are new. */
export async function* changes(snapshots: AsyncIterable<readonly Instance[]>): AsyncGenerator<Change> {
  let before = new Map<string, Instance>();
  for await (const snapshot of snapshots) {
    const now = new Map(
      // Pods of several namespaces may bear the same name
      snapshot.map((instance) => [`${instance.namespace ?? ""}/${instance.id}`, instance]),
    );
    for (const [key, instance] of before) if (!now.has(key)) yield { action: "delete", instance };
    for (const [key, instance] of now) {
      const old = before.get(key);
      if (old === undefined) yield { action: "create", instance };
      else if (JSON.stringify(old) !== JSON.stringify(instance)) yield { action: "update", instance };
    }
    before = now;
  }
}

export function changeText({ action, instance }: Change, at: Date): string {
  const { id, address, version } = instance;
  return `${[at.toISOString(), action, id, address, version].map(plain).join("\t")}\n`;
}

export function changeJson({ action, instance }: Change): string {
  return `${JSON.stringify({ action, service: JSON.parse(serviceJson([instance])) })}\n`;
}
