/** The microrun executable of a platform: the runtime layer of an image. */
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../cache-folder.ts";
import { type BunOptions, bunExecutable, extension } from "./bun-executable.ts";
import { hashEnd, isAsKept, keep } from "./cached-file.ts";
import { writeExecutable } from "./executable.ts";
import { programText } from "./program.ts";
import { ownTarget } from "./targets.ts";

export type RuntimeOptions = BunOptions;

/** How many of a target are kept in the cache: as many versions of microrun can be used by turns. */
const maxKept = 3;

/** @returns the path of the executable, in the cache: the same bytes wherever it is made */
export async function runtimeExecutable(options: RuntimeOptions): Promise<string> {
  const { target, env, signal } = options;
  const program = await programText();
  // what runs here gives the same bytes as npm's Bun, of which it is made
  const isOwn = options.bun === undefined && target === (await ownTarget().catch(() => undefined));
  const bun = isOwn ? process.execPath : await bunExecutable(options);
  const hash = new Bun.CryptoHasher("sha256")
    .update(program)
    .update(await readFile(bun))
    .digest("hex");
  const folder = cacheFolder(env);
  const prefix = `microrun-${target.name}.`;
  const outfile = join(folder, `${prefix}${hash.slice(0, 16)}${extension(target)}`);
  if (await isAsKept(outfile)) return outfile;
  signal.throwIfAborted();
  await writeExecutable({ program, outfile, target, bun, signal });
  await keep(outfile);
  await removeOld(folder, prefix);
  return outfile;
}

async function removeOld(folder: string, prefix: string): Promise<void> {
  const paths = (await readdir(folder))
    .filter((name) => name.startsWith(prefix) && !name.endsWith(hashEnd))
    .map((name) => join(folder, name));
  const dated = await Promise.all(paths.map(async (path) => ({ path, at: (await stat(path)).mtimeMs })));
  const old = dated.sort((a, b) => b.at - a.at).slice(maxKept);
  const files = old.flatMap(({ path }) => [path, path + hashEnd]);
  await Promise.all(files.map((path) => rm(path, { force: true })));
}
