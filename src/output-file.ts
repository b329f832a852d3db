/** The one rule for files that a command writes where it is told to: what stands there already may not be lost. */
import { lstat, realpath, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { usageError } from "./errors.ts";

export interface OutputFileOptions {
  /** A name that would do, with its flag: `-o greeter.tar`. */
  readonly example: string;
  /** Paths of what is read to make it. @default none */
  readonly sources?: readonly string[];
}

/**
 * @returns its absolute path, symbolic links followed: what replaces the file keeps the links to it
 * @throws MicrorunError `invalid_argument` for a folder, a device, a pipe and one of the sources
 */
export async function outputFile(
  path: string,
  { example, sources = [] }: OutputFileOptions,
): Promise<string> {
  const refused = (why: string) =>
    usageError(`cannot write ${path}: ${why}`, `name another file: ${example}`);
  if (path === "-") throw refused("it is written to a file, not to stdout");
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    const isLink = await lstat(path).then(
      (link) => link.isSymbolicLink(),
      () => false,
    );
    if (isLink) throw refused("it is a symbolic link that leads nowhere");
    return resolve(path);
  }
  if (found.isDirectory()) throw refused("it is a folder");
  if (!found.isFile()) throw refused("it is a device, a pipe or a socket");
  const whole = await realpath(path);
  for (const source of sources) {
    const read = await stat(source).catch(() => undefined);
    if (read?.dev === found.dev && read.ino === found.ino)
      throw refused("it is one of the files that it is made of");
  }
  return whole;
}
