/** The environment as a tree: `DATABASE_SERVER_HOST=x` is `database.server.host` (go-micro v2's env source). */
import type { ConfigData, ConfigSource, ConfigValue } from "./config.ts";
import { isTree } from "./snapshot.ts";

/** Never changes while the process runs. @param env @default process.env at the time of the call */
export function envSource(env: Readonly<Record<string, string | undefined>>): ConfigSource {
  return {
    name: "env:",
    async *watch() {
      yield envTree(env);
    },
  };
}

/** Names in order; where two clash (`FOO` and `FOO_BAR`) the first stays, as in go-micro. */
export function envTree(env: Readonly<Record<string, string | undefined>>): ConfigData {
  const root: Record<string, ConfigValue> = Object.create(null);
  for (const [name, text] of Object.entries(env)) {
    if (text !== undefined) place(root, name.toLowerCase().split("_"), typed(text));
  }
  return root;
}

function place(root: Record<string, ConfigValue>, path: string[], value: ConfigValue): void {
  let node = root;
  for (const key of path.slice(0, -1)) {
    node[key] ??= Object.create(null) as ConfigData;
    const next = node[key];
    if (!isTree(next)) return;
    node = next as Record<string, ConfigValue>;
  }
  const leaf = path.at(-1) ?? "";
  if (!(leaf in node)) node[leaf] = value;
}

const booleans: Readonly<Record<string, boolean>> = {
  t: true,
  T: true,
  true: true,
  TRUE: true,
  True: true,
  f: false,
  F: false,
  false: false,
  FALSE: false,
  False: false,
};

/** Go's Atoi, then ParseBool, else the text: `1.5` stays a string. */
function typed(text: string): ConfigValue {
  if (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  return Object.hasOwn(booleans, text) ? (booleans[text] as boolean) : text;
}
