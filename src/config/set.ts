/** Values of the command line: `--set mongodb.host=127.0.0.1`. */
import type { ConfigData, ConfigSource, ConfigValue } from "./config.ts";
import { typed } from "./env.ts";
import { isTree } from "./snapshot.ts";

/** @param values by dotted path, typed as those of the environment are; of paths that clash (`a`, `a.b`) the later wins */
export function setSource(values: Readonly<Record<string, string>>): ConfigSource {
  return {
    name: "--set",
    async *watch() {
      yield setTree(values);
    },
  };
}

export function setTree(values: Readonly<Record<string, string>>): ConfigData {
  const root: Record<string, ConfigValue> = Object.create(null);
  for (const [path, text] of Object.entries(values)) {
    const keys = path.split(".");
    let node = root;
    for (const key of keys.slice(0, -1)) {
      if (!isTree(node[key])) node[key] = Object.create(null) as ConfigData;
      node = node[key] as Record<string, ConfigValue>;
    }
    node[keys.at(-1) ?? ""] = typed(text);
  }
  return root;
}
