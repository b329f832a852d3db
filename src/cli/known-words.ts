/** What the Tab key finds in the local registry: services, and topics. Other registries are not asked: they may take long. */
import { within } from "../wait.ts";
import { openRegistry } from "./command/discovery.ts";
import { plain } from "./command/output.ts";
import type { Environment } from "./flags/values.ts";
import { topicsOf } from "./toolkit/topics.ts";

const wordOf: Readonly<Record<string, "service" | "topic">> = {
  get: "service",
  watch: "service",
  call: "service",
  stats: "service",
  health: "service",
  logs: "service",
  publish: "topic",
  subscribe: "topic",
};

/** A shell waits no longer, ms. */
const patienceMs = 500;

/** @param words from the command on, the last one as far as it is written @returns none where nothing is known */
export async function knownWords(
  [command = "", ...words]: readonly string[],
  env: Environment,
): Promise<string[]> {
  const kind = Object.hasOwn(wordOf, command) ? wordOf[command] : undefined;
  // one word alone: after a flag its value may be meant
  const [begun = "", ...more] = words;
  if (kind === undefined || words.length === 0 || more.length > 0 || begun.startsWith("-")) return [];
  if ((env.MICRO_REGISTRY || (env.KUBERNETES_SERVICE_HOST ? "kubernetes" : "local")) !== "local") return [];
  try {
    await using registry = await openRegistry({ given: new Map(), env });
    const instances = await within(patienceMs, "completion", registry.list());
    const names =
      kind === "topic" ? topicsOf(instances) : [...new Set(instances.map(({ service }) => service))].sort();
    return names.filter((name) => name.startsWith(begun) && plain(name) === name);
  } catch {
    return [];
  }
}
