/** TOML: dates and times become texts of RFC 3339. */
import { parse, TomlDate, TomlError } from "smol-toml";
import type { ConfigData, ConfigValue } from "./config.ts";
import { maxTreeDepth } from "./merge.ts";
import { configTree, type DocumentFault } from "./tree.ts";

/** An integer that a number cannot hold, infinity and `nan` are texts. */
export function readToml(text: string, fault: DocumentFault): ConfigData {
  return configTree(parsed(text, fault), leaf, fault);
}

function parsed(text: string, fault: DocumentFault): Record<string, unknown> {
  try {
    return parse(text, { integersAsBigInt: "asNeeded", maxDepth: maxTreeDepth });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // below its first line the message shows the document
    const [first = ""] = error.message.split("\n", 1);
    throw fault(first.replace("Invalid TOML document: ", ""), error.line, error.column);
  }
}

function leaf(value: unknown): ConfigValue {
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (value instanceof TomlDate) return value.toISOString();
  return String(value).replace("Infinity", "inf").replace("NaN", "nan");
}
