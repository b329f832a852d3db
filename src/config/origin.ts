/** Which source a value of the merged tree is from, and whether it may be shown. */
import type { ConfigData, ConfigSource, ConfigValue } from "./config.ts";
import { isSensitivePath } from "./redaction-keys.ts";
import { isTree, textOf, valueAt } from "./snapshot.ts";

/** A source's tree; of several, the later lie over the earlier. */
export interface Layer {
  readonly source: ConfigSource;
  readonly tree: ConfigData;
}

/** The source whose value is held at these keys; of a tree that several have a part in, the last of them. */
export function originOf(layers: readonly Layer[], keys: readonly string[]): ConfigSource | undefined {
  let bare: ConfigSource | undefined;
  for (const { source, tree } of layers.toReversed()) {
    const value = valueAt(tree, keys);
    // of an empty tree all that is seen lies below it
    if (value !== undefined && (!isTree(value) || Object.keys(value).length > 0)) return source;
    if (value !== undefined) bare ??= source;
    else if (covers(tree, keys)) break;
  }
  return bare;
}

/** A value that is no tree stands in the way: what lies below it is not seen. */
function covers(tree: ConfigData, keys: readonly string[]): boolean {
  return keys.some((_, words) => {
    const value = valueAt(tree, keys.slice(0, words));
    return value !== undefined && !isTree(value);
  });
}

/** By its source or by its keys; a tree: when all that is in it is. */
export function isSecretAt(layers: readonly Layer[], data: ConfigData, keys: readonly string[]): boolean {
  if (isSensitivePath(keys)) return true;
  const value = valueAt(data, keys);
  return value !== undefined && secretValue(layers, value, keys);
}

function secretValue(layers: readonly Layer[], value: ConfigValue, keys: readonly string[]): boolean {
  if (!isTree(value) || textOf(value) !== undefined) {
    return isSensitivePath(keys) || originOf(layers, keys)?.secret === true;
  }
  const entries = Object.entries(value);
  return entries.length > 0 && entries.every(([key, inner]) => secretValue(layers, inner, [...keys, key]));
}
