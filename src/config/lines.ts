/** Lines of `key=value`, as go-micro v2's configmap source reads the values of a ConfigMap: to the letter. */
import type { ConfigData } from "./config.ts";
import { maxTreeValues } from "./merge.ts";
import { wholeText } from "./snapshot.ts";
import type { DocumentFault } from "./tree.ts";

/**
 * Each line is cut at its first `=`; one without is a key with an empty text, and so is the nothing after the last line break.
 * White space, carriage returns and `#` are part of what they stand in; of a key given twice the last holds. A text without
 * any `=` is also kept whole, under `wholeText`.
 */
export function readLines(text: string, fault: DocumentFault): ConfigData {
  const tree: Record<string, string> = Object.create(null);
  const lines = text.split("\n");
  if (lines.length > maxTreeValues) throw fault(`more than ${maxTreeValues} lines`);
  for (const line of lines) {
    const equals = line.indexOf("=");
    if (equals < 0) tree[line] = "";
    else tree[line.slice(0, equals)] = line.slice(equals + 1);
  }
  if (!text.includes("=")) Object.defineProperty(tree, wholeText, { value: text });
  return tree;
}
