/** What a file, or the files of a folder, hold at one moment: read whole, within bounds, never from what is no file. */
import { Buffer } from "node:buffer";
import type { BigIntStats } from "node:fs";
import { constants, open, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { errorText, MicrorunError } from "../errors.ts";
import { isDocument } from "./documents.ts";

/** For a file, and for all files of a folder together. */
export const maxFileBytes = 16_777_216;
/** Files of a folder; more are a fault, since nobody could say which to leave out. */
export const maxFolderFiles = 1000;
const minChunkBytes = 4096;
/** How often what changes while it is read is read again before it is taken as it is. */
const maxReads = 3;
/** What changed no longer ago than this may change again without a new time: clocks of file systems tick slowly, ms. */
const tickMs = 100;

export interface Contents {
  /** Texts by name. */
  readonly entries: Readonly<Record<string, string>>;
  /** Files of a folder that are no text. */
  readonly left: readonly string[];
  /** Changes whenever a file does. */
  readonly stamp: string;
}

interface Found {
  readonly name: string;
  readonly path: string;
}

interface Listing {
  readonly stamp: string;
  /** Whether a later change will show in the stamp. */
  readonly settled: boolean;
  readonly files: readonly Found[];
  readonly folder: boolean;
}

/**
 * Hidden files of a folder are left out (a mounted ConfigMap's `..data` is one), and so is what is no file.
 * @param known the stamp of what was read last
 * @returns undefined when the stamp is still the same
 * @throws MicrorunError `not_found`, `permission_denied`, `resource_exhausted`, else `invalid_argument`
 */
export async function readContents(path: string, known?: string): Promise<Contents | undefined> {
  try {
    let listing = await list(path);
    if (listing.stamp === known) return undefined;
    for (let reads = 1; ; reads++) {
      const { entries, left } = await readAll(path, listing);
      const after = await list(path);
      if (after.stamp === listing.stamp || reads === maxReads) {
        return { entries, left, stamp: after.stamp === listing.stamp && after.settled ? after.stamp : "" };
      }
      listing = after;
    }
  } catch (error) {
    throw faultOf(path, error);
  }
}

async function list(path: string): Promise<Listing> {
  const stats = await stat(path, { bigint: true });
  if (!stats.isDirectory()) {
    if (!stats.isFile()) throw notFile(path);
    const file = { name: basename(path), path };
    return { stamp: stampOf(stats), settled: isSettled(stats), files: [file], folder: false };
  }
  if (isDocument(path)) throw refused(`${path}: a folder, where a file is expected`);
  const names = (await readdir(path)).filter((name) => !name.startsWith(".")).sort();
  const files: Found[] = [];
  const stamps = [stampOf(stats)];
  let settled = isSettled(stats);
  for (const name of names) {
    const inside = await stat(join(path, name), { bigint: true }).catch(unlessAbsent);
    if (!inside?.isFile()) continue;
    if (files.push({ name, path: join(path, name) }) > maxFolderFiles) {
      throw new MicrorunError("resource_exhausted", `${path}: more than ${maxFolderFiles} files`);
    }
    stamps.push(`${name} ${stampOf(inside)}`);
    settled &&= isSettled(inside);
  }
  return { stamp: stamps.join("\n"), settled, files, folder: true };
}

async function readAll(path: string, { files, folder }: Listing): Promise<Omit<Contents, "stamp">> {
  const entries: Record<string, string> = Object.create(null);
  const left: string[] = [];
  let room = maxFileBytes;
  for (const { name, path: inside } of files) {
    const bytes = await readBytes(inside, room).catch(folder ? unlessAbsent : undefined);
    if (bytes === undefined) continue;
    room -= bytes.length;
    if (room < 0) throw new MicrorunError("resource_exhausted", `${path}: larger than ${maxFileBytes} bytes`);
    const text = textOf(bytes);
    if (text !== undefined) entries[name] = text;
    else if (folder && !isDocument(name)) left.push(name);
    else throw new MicrorunError("invalid_argument", `${name}: not a text in UTF-8`);
  }
  return { entries, left };
}

/** One byte more than there is room for, if there is one. */
async function readBytes(path: string, room: number): Promise<Buffer> {
  // without waiting for the writer of a pipe that took the file's place
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw notFile(path);
    const chunks: Buffer[] = [];
    let length = 0;
    while (length <= room) {
      // a file of unknown size says 0
      const chunk = Buffer.alloc(
        Math.min(Math.max(stats.size + 1 - length, minChunkBytes), room + 1 - length),
      );
      const { bytesRead } = await file.read(chunk, 0, chunk.length);
      if (bytesRead === 0) break;
      chunks.push(chunk.subarray(0, bytesRead));
      length += bytesRead;
    }
    return Buffer.concat(chunks);
  } finally {
    await file.close();
  }
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function stampOf({ dev, ino, size, mtimeNs, ctimeNs, mode }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs, mode].join(" ");
}

function isSettled({ ctimeMs }: BigIntStats): boolean {
  return Date.now() - Number(ctimeMs) > tickMs;
}

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}

function unlessAbsent(error: unknown): undefined {
  if (!isAbsent(error)) throw error;
}

function faultOf(path: string, error: unknown): MicrorunError {
  if (error instanceof MicrorunError) return error;
  const { code = errorText(error) } = error as NodeJS.ErrnoException;
  if (isAbsent(error)) return new MicrorunError("not_found", `${path}: not there`);
  if (code === "EACCES" || code === "EPERM") {
    return new MicrorunError("permission_denied", `${path}: may not be read`, {
      hint: `make it readable for ${process.getuid === undefined ? "this user" : `user ${process.getuid()}`}`,
    });
  }
  return refused(`${path}: cannot be read (${code})`);
}

function notFile(path: string): MicrorunError {
  return refused(`${path}: not a file`);
}

function refused(message: string): MicrorunError {
  return new MicrorunError("invalid_argument", message);
}
