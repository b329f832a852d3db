/** Why an import failed, from what Bun and Deno throw: a syntax error, an import that leads nowhere, or the module's own error. */
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { didYouMean, errorText, MicrorunError, usageError } from "../errors.ts";
import { importsOf } from "./imports.ts";

/** What Bun throws for a file that it cannot build; it has no stack. */
interface BuildMessage {
  readonly message: string;
  readonly position: { readonly file: string; readonly line: number; readonly column: number } | null;
}

/** What Bun throws for an import that leads nowhere. */
interface ResolveMessage {
  readonly specifier: string;
  readonly referrer: string;
}

/** @returns `invalid_argument`, or `failed_precondition` with what the module threw as its cause */
export async function importError(thrown: unknown, module: string, cwd: string): Promise<MicrorunError> {
  const error = first(thrown);
  const named = (path: string) => short(path, cwd);
  if (isResolveMessage(error)) return unresolved(error, named);
  const unreadable = unreadableFile(error);
  if (unreadable !== undefined)
    return usageError(
      `${named(unreadable)} cannot be read: permission denied`,
      "make it readable for this user",
    );
  if (isBuildMessage(error)) {
    const { file, line, column } = error.position;
    return usageError(`${named(file)}:${line}:${column}: ${error.message}`, `correct ${named(file)}`);
  }
  const told = denoError(error, named);
  if (told !== undefined) return told;
  if (isLinkError(error)) return unlinked(error, module, named);
  const isJsonError = error instanceof SyntaxError && error.message.includes("JSON");
  const json = isJsonError ? await brokenJson(module) : undefined;
  if (json !== undefined) return usageError(`${named(json)}: ${errorText(error)}`, `correct ${named(json)}`);
  const why = `it threw while it was imported: ${errorText(error)}${thrownAt(error, named)}`;
  return new MicrorunError("failed_precondition", why, { cause: error });
}

/** Several errors of one file come together; the first is the one to correct. */
function first(thrown: unknown): unknown {
  return thrown instanceof AggregateError && thrown.errors.length > 0 ? thrown.errors[0] : thrown;
}

async function unresolved(
  { specifier, referrer }: ResolveMessage,
  named: (path: string) => string,
): Promise<MicrorunError> {
  const local = specifier.startsWith(".") || isAbsolute(specifier);
  if (!local) {
    const { why, hint } = notInstalled(specifier);
    return usageError(`${named(referrer)} imports ${specifier}, which ${why}`, hint);
  }
  const file = resolve(dirname(referrer), specifier);
  const there = await readdir(dirname(file)).catch(() => []);
  return usageError(
    `${named(referrer)} imports ${specifier}, which does not exist${didYouMean(basename(file), there)}`,
    `correct the import, or create ${named(file)}`,
  );
}

function notInstalled(specifier: string): { why: string; hint: string } {
  const [, scheme = "", rest = specifier] = /^(node|bun|npm|jsr|https?):(.*)$/.exec(specifier) ?? [];
  if (scheme === "node" || scheme === "bun")
    return { why: "this runtime does not have", hint: "correct the import, or leave it out" };
  if (scheme.startsWith("http"))
    return { why: "is not fetched", hint: "install its package, or import a file of your own" };
  const [, name = rest] = /^\/?(@[^/]+\/[^/@]+|[^/@]+)/.exec(rest) ?? [];
  if (scheme === "npm")
    return { why: "is not fetched", hint: `import it as ${name}, and install it:  npm install ${name}` };
  if (scheme === "jsr")
    return { why: "is not fetched", hint: `import it as ${name}, and install it:  npx jsr add ${name}` };
  return { why: "is not installed", hint: `install it:  npm install ${name}` };
}

/** The engine names the file that lacks the export, not the one that asks for it. */
async function unlinked(
  { message }: SyntaxError,
  module: string,
  named: (path: string) => string,
): Promise<MicrorunError> {
  const [, name, lacking] = /named '([^']+)' not found in module '([^']+)'/.exec(message) ?? [];
  let importer = "";
  if (name !== undefined && lacking !== undefined) {
    const mentioned = new RegExp(String.raw`\b${RegExp.escape(name)}\b`);
    for await (const { from, text, to } of importsOf(module)) {
      if (importer !== "" || !mentioned.test(text)) continue;
      if (lacking === to || lacking.startsWith(`${to}.`)) importer = `${named(from)}: `;
    }
  }
  return usageError(`${importer}${withoutUrls(message, named)}`, "export it there, or import what is there");
}

/** Its error names no file. Before an imported one is read no code of the module runs that could have thrown it. */
async function brokenJson(module: string): Promise<string | undefined> {
  for await (const { to } of importsOf(module)) {
    if (!to.endsWith(".json")) continue;
    const text = await readFile(to, "utf8").catch(() => "{}");
    try {
      JSON.parse(text);
    } catch {
      return to;
    }
  }
  return undefined;
}

function isBuildMessage(error: unknown): error is BuildMessage & { position: object } {
  return (
    typeof error === "object" &&
    error !== null &&
    "position" in error &&
    typeof error.position === "object" &&
    error.position !== null
  );
}

/** @returns the file that this user may not read: of all that Bun throws the text alone says it */
function unreadableFile(error: unknown): string | undefined {
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === "string" ? /^EACCES reading (?:file: )?"(.+)"$/.exec(message)?.[1] : undefined;
}

function isResolveMessage(error: unknown): error is ResolveMessage {
  return typeof error === "object" && error !== null && "specifier" in error && "referrer" in error;
}

/** A name that the other module does not export. Engine errors of this kind have no stack of the user's. */
function isLinkError(error: unknown): error is SyntaxError {
  return error instanceof SyntaxError && /Export named|'default' export/.test(error.message);
}

/** Deno puts everything into the message: what, then `at file:///x.ts:1:2`, or which import of which file. */
function denoError(error: unknown, named: (path: string) => string): MicrorunError | undefined {
  if (!(error instanceof Error)) return undefined;
  const message = stripVTControlCharacters(error.message);
  const name = (url: string) => named(fileURLToPath(url));
  const [, place, at] = /\sat (file:\S+?):(\d+:\d+)$/.exec(message) ?? [];
  const [, missing, from = place] =
    /^(?:Module not found|Loading unprepared module:) "?(file:[^",]+)(?:.*imported from: (file:\S+))?/.exec(
      message,
    ) ?? [];
  if (missing !== undefined && from !== undefined)
    return usageError(
      `${name(from)} imports ${name(missing)}, which does not exist`,
      "correct the import, or install the package",
    );
  if (place === undefined) return undefined;
  const what = message
    .split("\n")[0]!
    .replace(/ at file:.*/, "")
    .replace(/^SyntaxError: /, "");
  return usageError(`${name(place)}:${at}: ${what}`, `correct ${name(place)}`);
}

/** The first line of the stack that lies in a file. Hosts count columns differently. */
function thrownAt(error: unknown, named: (path: string) => string): string {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const [, path, line] = /^ +at .*?((?:file:\/\/)?\/[^()\n]+?):(\d+):\d+\)?$/m.exec(stack) ?? [];
  return path === undefined
    ? ""
    : ` (${named(path.startsWith("file:") ? fileURLToPath(path) : path)}:${line})`;
}

function withoutUrls(text: string, named: (path: string) => string): string {
  return text.replace(/'(file:[^']+|\/[^']+)'/g, (_, path: string) =>
    named(path.startsWith("file:") ? fileURLToPath(path) : path),
  );
}

function short(path: string, cwd: string): string {
  const inside = relative(cwd, path);
  return inside === "" || inside.startsWith("..") ? path : inside;
}
