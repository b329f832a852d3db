/** Java's `.properties`: dots in a key are levels, all values are texts. */
import { Properties } from "properties-file/parser";
import type { ConfigData, ConfigValue } from "./config.ts";
import { maxTreeDepth, maxTreeValues } from "./merge.ts";
import { isTree } from "./snapshot.ts";
import type { DocumentFault } from "./tree.ts";

/** Of a key given twice the later value holds, as in Java; of `a` and `a.b`, which clash, the first stays, as in the environment. */
export function readProperties(text: string, fault: DocumentFault): ConfigData {
  const tree: Record<string, ConfigValue> = Object.create(null);
  const properties = parsed(text, fault);
  if (properties.length > maxTreeValues) throw fault(`more than ${maxTreeValues} values`);
  for (const { key, value, startingLineNumber } of properties) {
    const path = key.split(".", maxTreeDepth + 1);
    if (path.length > maxTreeDepth) throw fault(`nested more than ${maxTreeDepth} deep`, startingLineNumber);
    place(tree, path, value);
  }
  return tree;
}

function place(tree: Record<string, ConfigValue>, path: readonly string[], value: string): void {
  let node = tree;
  for (const key of path.slice(0, -1)) {
    node[key] ??= Object.create(null) as ConfigData;
    const next = node[key];
    if (!isTree(next)) return;
    node = next as Record<string, ConfigValue>;
  }
  const leaf = path.at(-1) ?? "";
  if (!isTree(node[leaf])) node[leaf] = value;
}

function parsed(text: string, fault: DocumentFault): ReturnType<Properties["getProperties"]> {
  try {
    return new Properties(text).getProperties();
  } catch {
    // its only fault, told with a piece of the document and without a place
    throw fault("\\u needs four hexadecimal digits", badEscape(text));
  }
}

function badEscape(text: string): number | undefined {
  const lines = text.split(/\r\n|\r|\n/);
  const index = lines.findIndex(
    (line) => !/^[ \t\f]*[#!]/.test(line) && /(?<!\\)(?:\\\\)*\\u(?![\dA-Fa-f]{4})/.test(line),
  );
  return index < 0 ? undefined : index + 1;
}
