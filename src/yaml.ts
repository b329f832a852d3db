/** YAML both ways. */
import { LineCounter, parseDocument, stringify } from "yaml";
import { MicrorunError } from "./errors.ts";

/** As Kubernetes reads it: 1.1, where a name such as `on` needs quotes. */
const version = "1.1";

/** One document. */
export function yamlText(value: unknown): string {
  return stringify(value, { version });
}

/**
 * Plain data; aliases that would grow without bound are refused.
 * @throws MicrorunError `invalid_argument` with line and column, and nothing of the text, which may hold secrets
 */
export function readYaml(text: string): unknown {
  const lines = new LineCounter();
  const document = parseDocument(text, { prettyErrors: false, lineCounter: lines, version });
  const [fault] = document.errors;
  if (fault === undefined) return document.toJS();
  const { line, col } = lines.linePos(fault.pos[0]);
  const what = fault.code.toLowerCase().replaceAll("_", " ");
  throw new MicrorunError("invalid_argument", `not YAML at line ${line}, column ${col}: ${what}`);
}
