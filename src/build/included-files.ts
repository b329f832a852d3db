/** The files that `--include` names. */
import { realpathSync, statSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { usageError } from "../errors.ts";
import { platformOf } from "./executable-header.ts";
import { isSecret } from "./secrets.ts";

const maxFiles = 10_000;
/** An executable at least as big as a runtime was built here before. */
const leastBuiltBytes = 64 * 2 ** 20;

export interface Included {
  /** Absolute. */
  readonly files: readonly string[];
  readonly notes: readonly string[];
}

/**
 * @param asked as the command line splits them: at commas, within braces too
 * @param folder what the globs are relative to
 * @throws MicrorunError `invalid_argument`
 */
export async function includedFiles(asked: readonly string[], folder: string): Promise<Included> {
  const files = new Set<string>();
  const leftOut = new Map<string, string>();
  for (const glob of joined(asked)) {
    if (isAbsolute(glob))
      throw usageError(
        `--include=${glob}: not relative to the module's folder`,
        `write it as ${relative(folder, glob) || "."}`,
      );
    let found = false;
    for await (const file of scan(glob, folder)) {
      found = true;
      const why = await whyLeftOut(file, folder, glob);
      if (why === undefined) files.add(file);
      else leftOut.set(file, why);
      if (files.size > maxFiles)
        throw usageError(`--include=${glob}: more than ${maxFiles} files`, "name fewer");
    }
    if (!found)
      throw usageError(`--include=${glob}: matches no file below ${folder}`, "correct it, or leave it out");
  }
  const notes = [...leftOut].sort().map(([file, why]) => `left out ${relative(folder, file)}: ${why}`);
  return { files: [...files], notes };
}

async function whyLeftOut(file: string, folder: string, glob: string): Promise<string | undefined> {
  const names = [file, realpathSync(file)].map((path) => relative(folder, path));
  if (names.some(isSecret)) return "it looks like a secret; give it to the service when it runs";
  if (resolve(folder, glob) === file || statSync(file).size < leastBuiltBytes) return undefined;
  const isExecutable = (await platformOf(file).catch(() => undefined)) !== undefined;
  return isExecutable
    ? "it looks like an executable that was built before; name it if it is meant"
    : undefined;
}

/** `{a,b}/**` is one. */
function joined(parts: readonly string[]): string[] {
  const globs: string[] = [];
  let open = false;
  for (const part of parts) {
    globs.push(open ? `${globs.pop()},${part}` : part);
    const last = globs.at(-1)!;
    open = last.split("{").length > last.split("}").length;
  }
  return globs;
}

/** A folder means all that is in it. What node_modules holds, or begins with a dot, is meant only where it is named. */
async function* scan(glob: string, folder: string): AsyncGenerator<string> {
  const [, up = "", below = ""] = /^((?:\.{1,2}\/)*)(.*)$/.exec(glob) ?? [];
  const cwd = resolve(folder, up);
  const whole = join(cwd, below);
  const isFolder = statSync(whole, { throwIfNoEntry: false })?.isDirectory() === true;
  const pattern = isFolder ? "**" : below;
  const named = glob.includes("node_modules");
  for await (const path of new Bun.Glob(pattern).scan({
    cwd: isFolder ? whole : cwd,
    dot: /(^|\/)\.[^./]/.test(below),
    onlyFiles: true,
  })) {
    if (named || !/(^|[\\/])node_modules[\\/]/.test(path)) yield join(isFolder ? whole : cwd, path);
  }
}
