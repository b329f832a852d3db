/** The microrun executable of a platform: the runtime layer of an image. */
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../cache-folder.ts";
import { type BunOptions, bunExecutable, extension, isFile } from "./bun-executable.ts";
import { writeExecutable } from "./executable.ts";
import { programText } from "./program.ts";

export type RuntimeOptions = BunOptions;

/** How many of a target are kept in the cache: as many versions of microrun can be used by turns. */
const maxKept = 3;

/** @returns the path of the executable, in the cache: the same bytes wherever it is made */
export async function runtimeExecutable(options: RuntimeOptions): Promise<string> {
  const { target, env, signal } = options;
  const program = await programText();
  const bun = await bunExecutable(options);
  const hash = new Bun.CryptoHasher("sha256")
    .update(program)
    .update(await readFile(bun))
    .digest("hex");
  const folder = cacheFolder(env);
  const prefix = `microrun-${target.name}.`;
  const outfile = join(folder, `${prefix}${hash.slice(0, 16)}${extension(target)}`);
  if (await isFile(outfile)) return outfile;
  signal.throwIfAborted();
  await writeExecutable({ program, outfile, target, bun, signal });
  await removeOld(folder, prefix);
  return outfile;
}

async function removeOld(folder: string, prefix: string): Promise<void> {
  const paths = (await readdir(folder))
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(folder, name));
  const dated = await Promise.all(paths.map(async (path) => ({ path, at: (await stat(path)).mtimeMs })));
  const old = dated.sort((a, b) => b.at - a.at).slice(maxKept);
  await Promise.all(old.map(({ path }) => rm(path, { force: true })));
}
