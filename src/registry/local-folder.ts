/** The folder where the processes of one user leave their leases: nobody else may write there, and no file is seen half-written. */
import { lstat, mkdir, open, readdir, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MicrorunError } from "../errors.ts";
import { maxLeaseBytes } from "./local-lease.ts";

/** A file that is written for longer than this was left by a process that ended, ms. */
const maxWriteMs = 60_000;

export interface Folder {
  readonly path: string;
  /** Makes it where it is not there. @throws MicrorunError `failed_precondition` when it is not this user's alone */
  make(): Promise<void>;
  /** Names of leases, in order; undefined: there is no folder. @throws as `make` */
  names(): Promise<string[] | undefined>;
  /** Changes whenever a file is written; undefined: it is not there. */
  stamp(name: string): Promise<string | undefined>;
  /** @throws MicrorunError `invalid_argument` for what is too large or no file */
  read(name: string): Promise<string>;
  write(name: string, text: string): Promise<void>;
  /** Nothing when it is not there. */
  remove(name: string): Promise<void>;
}

export function leaseFolder(path: string): Folder {
  const inside = (name: string): string => join(path, name);

  return {
    path,
    async make() {
      await mkdir(path, { recursive: true, mode: 0o700 });
      await inspect(path);
    },
    async names() {
      try {
        await inspect(path);
        const all = await readdir(path);
        await Promise.all(all.filter((name) => name.endsWith(".tmp")).map((name) => sweep(inside(name))));
        return all.filter((name) => name.endsWith(".json") && !name.startsWith(".")).sort();
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    },
    async stamp(name) {
      try {
        const { ino, mtimeMs, size } = await lstat(inside(name));
        return `${ino} ${mtimeMs} ${size}`;
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    },
    async read(name) {
      // Looked at before it is opened: opening a pipe would wait for its writer.
      if (!(await lstat(inside(name))).isFile()) throw new MicrorunError("invalid_argument", "not a file");
      const file = await open(inside(name), "r");
      try {
        const { size } = await file.stat();
        if (size > maxLeaseBytes)
          throw new MicrorunError("invalid_argument", `larger than ${maxLeaseBytes} bytes`);
        return await file.readFile("utf8");
      } finally {
        await file.close();
      }
    },
    async write(name, text) {
      const unfinished = inside(`.${name}.${crypto.randomUUID()}.tmp`);
      try {
        await writeFile(unfinished, text, { flag: "wx", mode: 0o600 });
        await rename(unfinished, inside(name));
      } catch (error) {
        await unlink(unfinished).catch(() => {});
        throw error;
      }
    },
    remove: (name) => unlink(inside(name)).catch(unlessAbsent),
  };
}

export function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

function unlessAbsent(error: unknown): void {
  if (!isAbsent(error)) throw error;
}

/** Others who may write here could send this user's calls wherever they like. */
async function inspect(path: string): Promise<void> {
  const stats = await lstat(path);
  const { mode, uid } = stats;
  const me = process.getuid?.();
  let why: string | undefined;
  if (!stats.isDirectory()) why = "it is not a folder";
  else if (me !== undefined && uid !== me) why = `it belongs to user ${uid}, not to ${me}`;
  else if (me !== undefined && (mode & 0o022) !== 0)
    why = `others may write there (mode ${(mode & 0o777).toString(8)})`;
  if (why === undefined) return;
  throw new MicrorunError("failed_precondition", `cannot use ${path} to find local services: ${why}`, {
    hint: "remove it, or set XDG_RUNTIME_DIR to a folder of your own, or choose another --registry",
  });
}

async function sweep(unfinished: string): Promise<void> {
  try {
    const { mtimeMs } = await lstat(unfinished);
    if (Date.now() - mtimeMs > maxWriteMs) await unlink(unfinished);
  } catch {
    // whoever made it has finished, or another process was faster
  }
}
