/** Named texts as trees: documents by their extension, all else as lines of `key=value` or as it stands. */
import { Buffer } from "node:buffer";
import { MicrorunError } from "../errors.ts";
import { readYamlTree } from "../yaml.ts";
import type { ConfigData, ConfigValue } from "./config.ts";
import { readJson } from "./json.ts";
import { readLines } from "./lines.ts";
import { maxTreeDepth, maxTreeValues, mergeTrees } from "./merge.ts";
import { readProperties } from "./properties.ts";
import { isTree } from "./snapshot.ts";
import { readToml } from "./toml.ts";
import { type DocumentFault, maxDocumentBytes } from "./tree.ts";

/** What becomes of an entry without a known extension: lines of `key=value` as in go-micro v2, or its text. */
export type EntryFormat = "lines" | "raw";

type Reader = (text: string, fault: DocumentFault) => ConfigData;

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["yaml", readYaml],
  ["yml", readYaml],
  ["json", readJson],
  ["toml", readToml],
  ["properties", readProperties],
]);

/** The entries of a ConfigMap, a Secret or a folder: documents are merged at the root, in the order of names; others lie under their names. @throws MicrorunError as `readDocument` */
export function readEntries(entries: Readonly<Record<string, string>>, format: EntryFormat): ConfigData {
  const trees: Record<string, ConfigValue>[] = [emptyTree()];
  for (const name of Object.keys(entries).sort()) {
    const text = entries[name]!;
    const document = readDocument(name, text);
    if (document !== undefined) trees.push(document, emptyTree());
    else trees.at(-1)![name] = format === "raw" ? text : readLines(text, faultOf(name));
  }
  return mergeTrees(trees);
}

/**
 * By the name's extension: `.yaml`, `.yml`, `.json`, `.toml`, `.properties`; undefined for any other. An empty text is an empty tree.
 * @throws MicrorunError `invalid_argument`, `config.yaml line 3, column 5: …`, with nothing of the text, which may hold secrets
 */
export function readDocument(name: string, text: string): ConfigData | undefined {
  const reader = readerOf(name);
  if (reader === undefined) return undefined;
  const fault = faultOf(name);
  if (Buffer.byteLength(text) > maxDocumentBytes) throw fault(`larger than ${maxDocumentBytes} bytes`);
  return reader(text.startsWith("\uFEFF") ? text.slice(1) : text, fault);
}

/** Whether `readDocument` reads it. */
export function isDocument(name: string): boolean {
  return readerOf(name) !== undefined;
}

function readerOf(name: string): Reader | undefined {
  const [, extension = ""] = /\.([^.]+)$/.exec(name) ?? [];
  return readers.get(extension.toLowerCase());
}

function emptyTree(): Record<string, ConfigValue> {
  return Object.create(null);
}

function readYaml(text: string, fault: DocumentFault): ConfigData {
  const value = readYamlTree(text, { maxValues: maxTreeValues, maxDepth: maxTreeDepth, fault });
  if (value === null) return emptyTree();
  if (!isTree(value)) throw fault("a map is expected at the top", 1);
  return value;
}

function faultOf(name: string): DocumentFault {
  return (why, line, column) => {
    const place =
      line === undefined ? "" : ` line ${line}${column === undefined ? "" : `, column ${column}`}`;
    return new MicrorunError("invalid_argument", `${name}${place}: ${why}`);
  };
}
