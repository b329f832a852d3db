/** How much a document may hold, and plain data as a tree within that. */
import type { MicrorunError } from "../errors.ts";
import type { ConfigData, ConfigValue } from "./config.ts";
import { maxTreeDepth, maxTreeValues } from "./merge.ts";

/** As large as a ConfigMap may be, in bytes of UTF-8. */
export const maxDocumentBytes = 1_048_576;

/** Makes the error for a document: what is wrong, where that is known (from 1), and nothing of its text. */
export type DocumentFault = (why: string, line?: number, column?: number) => MicrorunError;

/** Made anew without prototypes. @param leaf what else than texts, booleans, finite numbers, lists and plain objects is there */
export function configTree(
  data: Readonly<Record<string, unknown>>,
  leaf: (value: unknown) => ConfigValue,
  fault: DocumentFault,
): ConfigData {
  let values = 1;

  function made(value: unknown, depth: number): ConfigValue {
    if (++values > maxTreeValues) throw fault(`more than ${maxTreeValues} values`);
    if (depth >= maxTreeDepth && (Array.isArray(value) || isPlain(value)))
      throw fault(`nested more than ${maxTreeDepth} deep`);
    if (Array.isArray(value)) return value.map((item) => made(item, depth + 1));
    return isPlain(value) ? tree(value, depth) : leaf(value);
  }
  function tree(from: Readonly<Record<string, unknown>>, depth: number): ConfigData {
    const into: Record<string, ConfigValue> = Object.create(null);
    for (const [key, value] of Object.entries(from)) into[key] = made(value, depth + 1);
    return into;
  }
  return tree(data, 0);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
