/** A folder that holds the root of a file system, as a base of one layer. */
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { MicrorunError } from "../errors.ts";
import { type Base, type BaseOptions, checkLibraries, libcOf } from "./base.ts";
import { cachedLayer } from "./layer.ts";
import { type TarEntry, tarStream } from "./tar.ts";
import { withFolders } from "./tree.ts";

/** The most files of a base. */
const maxFiles = 500_000;

export async function folderBase(folder: string, options: BaseOptions): Promise<Base> {
  const { platform, compression, what } = options;
  const entries = withFolders(await entriesOf(folder));
  const names = entries.map(({ path }) => path.replace(/^.*\//, ""));
  const total = entries.reduce((sum, { content }) => sum + (content instanceof Blob ? content.size : 0), 0);
  return {
    what,
    platform,
    libc: libcOf(names, what),
    env: [],
    labels: {},
    layersFor: async (executable) => {
      await checkLibraries(executable, names, what);
      const layer = await cachedLayer(() => tarStream(entries), compression, "base", {
        ...options.cache,
        key: await fingerprint(entries),
        what: `layer base ${what}`,
        total,
      });
      return [layer];
    },
  };
}

async function entriesOf(root: string): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  for (const path of await readdir(root, { recursive: true })) {
    const whole = join(root, path);
    const stat = await lstat(whole);
    const mode = stat.mode & 0o7777;
    if (stat.isDirectory()) entries.push({ path, type: "folder", mode });
    else if (stat.isSymbolicLink())
      entries.push({ path, type: "symlink", mode: 0o777, target: await readlink(whole) });
    else if (stat.isFile()) entries.push({ path, type: "file", mode, content: Bun.file(whole) });
    // sockets and devices are the machine's
    if (entries.length > maxFiles)
      throw new MicrorunError("out_of_range", `--base=${root}: it has more than ${maxFiles} files`, {
        hint: "give a folder that holds the root of a small system",
      });
  }
  return entries;
}

/** Of all that goes into the layer. */
async function fingerprint(entries: readonly TarEntry[]): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for (const { path, type, mode, target, content } of entries) {
    hash.update(JSON.stringify([path, type, mode, target]));
    if (content instanceof Blob) for await (const chunk of content.stream()) hash.update(chunk);
  }
  return hash.digest("hex");
}
