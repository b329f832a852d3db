/** Files packed for a platform: `.tar.gz`, and `.zip` for Windows; the same bytes for the same files. */
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { tarStream } from "../../src/image/tar.ts";
import { zip } from "./zip.ts";

export interface PackedFile {
  readonly path: string;
  readonly mode: 0o644 | 0o755;
  readonly content: Blob;
}

/** When all files seem to be made, unless SOURCE_DATE_EPOCH says so: npm's date, which ZIP can tell, too. */
const packedAt = 499_162_500;
const seconds = (): number => Number(process.env.SOURCE_DATE_EPOCH || packedAt);

export async function writeTarball(outfile: string, files: readonly PackedFile[]): Promise<void> {
  const entries = files.map((file) => ({ ...file, type: "file" as const }));
  await pipeline(Readable.from(tarStream(entries, seconds())), createGzip(), createWriteStream(outfile));
}

export async function writeZip(outfile: string, files: readonly PackedFile[]): Promise<void> {
  const read = files.map(async ({ path, mode, content }) => ({ path, mode, bytes: await content.bytes() }));
  await Bun.write(outfile, zip(await Promise.all(read), seconds()));
}

/** A file that is made here. */
export function made(path: string, text: string, mode: PackedFile["mode"] = 0o644): PackedFile {
  return { path, mode, content: new Blob([text]) };
}

export function json(path: string, value: unknown): PackedFile {
  return made(path, `${JSON.stringify(value, null, 2)}\n`);
}
