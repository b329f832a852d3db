/** The environment as a tree: `DATABASE_SERVER_HOST=x` is `database.server.host` (go-micro v2's env source). */
import type { ConfigData, ConfigSource, ConfigValue } from "./config.ts";
import { maxTreeDepth } from "./merge.ts";
import { isTree } from "./snapshot.ts";

export interface EnvOptions {
  /** Only names that begin with it and an underscore: `APP` takes `APP_DB_HOST`, neither `APP` nor `APPX`. @default all */
  readonly prefix?: string;
  /** Whether the prefix is left out of the tree: `db.host`, not `app.db.host`. @default false */
  readonly strip?: boolean;
}

/** Never changes while the process runs. */
export function envSource(
  env: Readonly<Record<string, string | undefined>>,
  options: EnvOptions = {},
): ConfigSource {
  return {
    name: `env:${options.prefix ?? ""}`,
    // Kubernetes sets SERVER_PORT for a Service of that name, a LOG_LEVEL may be another program's
    foreign: !options.prefix,
    async *watch() {
      yield envTree(env, options);
    },
  };
}

/**
 * In the order of the names. Of names that clash (`FOO` and `FOO_BAR`) the first stays, as in go-micro, unless it is empty there
 * (`""`, 0 or false). A name of more words than a tree may be deep is left out.
 */
export function envTree(
  env: Readonly<Record<string, string | undefined>>,
  { prefix = "", strip = false }: EnvOptions = {},
): ConfigData {
  const root: Record<string, ConfigValue> = Object.create(null);
  const start = prefix === "" || prefix.endsWith("_") ? prefix : `${prefix}_`;
  for (const [name, text] of Object.entries(env)) {
    if (text === undefined || !name.startsWith(start)) continue;
    const path = (strip ? name.slice(start.length) : name).toLowerCase().split("_");
    if (path.length < maxTreeDepth) place(root, path, typed(text));
  }
  return root;
}

function place(root: Record<string, ConfigValue>, path: readonly string[], value: ConfigValue): void {
  let node = root;
  for (const key of path.slice(0, -1)) {
    if (!node[key]) node[key] = Object.create(null) as ConfigData;
    const next = node[key];
    if (!isTree(next)) return;
    node = next as Record<string, ConfigValue>;
  }
  const leaf = path.at(-1) ?? "";
  if (!node[leaf]) node[leaf] = value;
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ...["t", "T", "true", "TRUE", "True"].map((word) => [word, true] as const),
  ...["f", "F", "false", "FALSE", "False"].map((word) => [word, false] as const),
]);

/** Go's Atoi, then ParseBool, else the text: `1.5` stays a string, and so does an integer that a number cannot hold. */
export function typed(text: string): string | number | boolean {
  // zero is added for `-0`, which Go does not have
  if (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text) + 0;
  return booleans.get(text) ?? text;
}
