/** The files that `--include` names. */
import { realpathSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { usageError } from "../errors.ts";
import { isSecret } from "./secrets.ts";

const maxFiles = 10_000;

export interface Included {
  /** Absolute. */
  readonly files: readonly string[];
  readonly notes: readonly string[];
}

/** @param folder what the globs are relative to @throws MicrorunError `invalid_argument` */
export async function includedFiles(globs: readonly string[], folder: string): Promise<Included> {
  const files = new Set<string>();
  const secrets = new Set<string>();
  for (const glob of globs) {
    const before = files.size + secrets.size;
    for await (const file of scan(glob, folder)) {
      const secret = isSecret(file) || isSecret(realpathSync(file));
      (secret ? secrets : files).add(file);
      if (files.size > maxFiles)
        throw usageError(`--include=${glob}: more than ${maxFiles} files`, "name fewer");
    }
    if (
      files.size + secrets.size === before &&
      ![...files, ...secrets].some((file) => matches(glob, folder, file))
    )
      throw usageError(`--include=${glob}: matches no file below ${folder}`, "correct it, or leave it out");
  }
  const notes = [...secrets]
    .sort()
    .map(
      (file) =>
        `left out ${relative(folder, file)}: it looks like a secret; give it to the service when it runs`,
    );
  return { files: [...files], notes };
}

/** A folder means all that is in it. What node_modules holds is meant only where it is named. */
async function* scan(glob: string, folder: string): AsyncGenerator<string> {
  const [, up = "", below = ""] = /^((?:\.{1,2}\/)*)(.*)$/.exec(glob) ?? [];
  const cwd = resolve(folder, up);
  const whole = join(cwd, below);
  const isFolder = statSync(whole, { throwIfNoEntry: false })?.isDirectory() === true;
  const pattern = isFolder ? "**" : below;
  const named = glob.includes("node_modules");
  for await (const path of new Bun.Glob(pattern).scan({
    cwd: isFolder ? whole : cwd,
    dot: /(^|\/)\./.test(below),
    onlyFiles: true,
  })) {
    if (named || !/(^|[\\/])node_modules[\\/]/.test(path)) yield join(isFolder ? whole : cwd, path);
  }
}

function matches(glob: string, folder: string, file: string): boolean {
  return new Bun.Glob(glob.replace(/^\.\//, "")).match(relative(folder, file));
}
