/** What a `.proto` text says before it is parsed (syntax, imports), and where in it something stands. */
import protobuf from "protobufjs";
import { errorText, MicrorunError } from "../../errors.ts";

export interface ProtoImport {
  readonly name: string;
  readonly kind: "plain" | "public" | "weak";
  readonly line: number;
}

export interface ProtoHead {
  /** `proto2` (also when it says nothing), `proto3`, or an edition's year. */
  readonly syntax: string;
  readonly package: string;
  readonly imports: readonly ProtoImport[];
}

interface Source {
  /** As people know it: the path as they wrote it. */
  readonly path: string;
  readonly text: string;
}

/** `greeter.proto:3:7: why` */
export function protoError(
  source: Source,
  at: Position | undefined,
  why: string,
  hint?: string,
): MicrorunError {
  const place = at === undefined ? source.path : `${source.path}:${at.line}:${at.column}`;
  return new MicrorunError("invalid_argument", `${place}: ${why}`, hint === undefined ? {} : { hint });
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Reads the statements outside of all braces. Nonsense is left for the parser to report. */
export function scanProto(source: Source): ProtoHead {
  const tokens = protobuf.tokenize(source.text, false);
  const imports: ProtoImport[] = [];
  const head = { syntax: "proto2", package: "" };
  const quoted = (): string => {
    let value = "";
    while (tokens.peek() === '"' || tokens.peek() === "'") {
      tokens.next();
      value += tokens.next() ?? "";
      tokens.next();
    }
    return value;
  };
  let depth = 0;
  let fresh = true;
  try {
    for (let token = tokens.next(); token !== null; token = tokens.next()) {
      const line = tokens.line;
      if (/(^|\.)__proto__($|\.)/.test(token))
        throw protoError(source, columnOf(source, line, token), "__proto__ cannot be used as a name");
      if (token === '"' || token === "'") {
        tokens.next();
        tokens.next();
      }
      if (token === "{") depth++;
      if (token === "}") depth--;
      if (fresh && depth === 0 && token === "package") head.package = tokens.next() ?? "";
      if (fresh && depth === 0 && (token === "syntax" || token === "edition")) {
        tokens.skip("=", true);
        head.syntax = quoted();
      }
      if (fresh && depth === 0 && token === "import") {
        const next = tokens.peek();
        const kind = next === "public" || next === "weak" ? next : "plain";
        if (next === "public" || next === "weak" || next === "option") tokens.next();
        const name = quoted();
        if (next !== "option") imports.push({ name, kind, line });
      }
      fresh = token === ";" || token === "{" || token === "}";
    }
  } catch (error) {
    throw parseError(source, error);
  }
  return { ...head, imports };
}

/** What protobufjs threw while it parsed this text, with the place in it. */
export function parseError(source: Source, error: unknown): MicrorunError {
  if (error instanceof MicrorunError) return error;
  const text = errorText(error);
  const illegal = /^illegal (?:([\w ]+?) )?'(.*?)'(?:, '(.*)' expected)? \((?:.*, )?line (\d+)\)$/s.exec(
    text,
  );
  if (illegal !== null) {
    const [, what = "token", token = "", expected, line] = illegal;
    const compact = (source.text.split("\n")[Number(line) - 1] ?? "").replaceAll(/\s/g, "");
    const kind = what === "type" && compact.includes(`map<${token}`) ? "map key" : what;
    const found =
      token === "null"
        ? "the file ends too early"
        : what === "token"
          ? `unexpected "${token}"`
          : `"${token}" is not a valid ${kind}`;
    return protoError(
      source,
      columnOf(source, Number(line), token),
      expected === undefined ? found : `${found}, "${expected}" is expected`,
    );
  }
  const loose = /^illegal (\w+) \((?:.*, )?line (\d+)\)$/.exec(text);
  if (loose !== null)
    return protoError(source, { line: Number(loose[2]), column: 1 }, `unfinished ${loose[1]}`);
  const twice = /^(duplicate )?(id|name) '?([\w.]+)'? .*in (\w+)(?: \.?([\w.]*))?$/.exec(text);
  if (twice === null) return protoError(source, undefined, text);
  const [, duplicate, what, which = "", around, where = ""] = twice;
  const pattern = what === "id" ? `=\\s*${which}\\b` : `\\b${which}\\b(?=\\s*[={(])`;
  if (around === "Root" || around === "Namespace")
    return protoError(
      source,
      locate(source, where, pattern, 2),
      `${where === "" ? which : `${where}.${which}`} is already defined`,
    );
  const why = `${where} has ${what === "id" ? "number" : "name"} ${which} ${duplicate ? "twice" : "and reserves it"}`;
  return protoError(source, locate(source, where, pattern, duplicate ? 2 : 1), why);
}

/** The place of a token that the tokenizer saw last on this line, or a little before. */
function columnOf({ text }: Source, line: number, token: string): Position {
  const lines = text.split("\n");
  for (let at = line; at > 0 && at > line - 3; at--) {
    const column = (lines[at - 1] ?? "").lastIndexOf(token);
    if (token !== "" && column >= 0) return { line: at, column: column + 1 };
  }
  return { line, column: 1 };
}

/**
 * Where a pattern stands within a definition, found by the words of the text: protobufjs keeps no places.
 * @param scope full name of the message, enum or service around it
 * @param nth which of its occurrences
 */
export function locate({ text }: Source, scope: string, pattern: string, nth = 1): Position | undefined {
  const bare = text.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "));
  let offset = 0;
  for (const name of scope.split(".")) {
    const opening = new RegExp(`\\b(?:message|enum|service|group|oneof)\\s+${name}\\b`, "g");
    opening.lastIndex = offset;
    offset = (opening.exec(bare)?.index ?? offset - 1) + 1;
  }
  const wanted = new RegExp(pattern, "g");
  wanted.lastIndex = offset;
  let found: RegExpExecArray | null = null;
  for (let count = 0; count < nth; count++) {
    const next = wanted.exec(bare);
    if (next === null) break;
    found = next;
  }
  if (found === null) return undefined;
  const before = bare.slice(0, found.index);
  return { line: before.split("\n").length, column: found.index - before.lastIndexOf("\n") };
}
