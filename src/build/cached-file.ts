/** A file of the cache, its hash beside it: one that is not what was put there, as it was cut off, is not used. */
import { createReadStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { wholeFile } from "../whole-file.ts";

/** What the hash's file is called, after the file itself. */
export const hashEnd = ".sha256";

/** @returns undefined for a file that somebody else put there */
export async function isAsKept(path: string): Promise<boolean | undefined> {
  const kept = await readFile(path + hashEnd, "utf8").catch(() => undefined);
  return kept === undefined ? undefined : kept === (await hashOf(path).catch(() => ""));
}

/** Of a file that is there whole. */
export async function keep(path: string): Promise<void> {
  const hash = await hashOf(path);
  await wholeFile(path + hashEnd, (unfinished) => writeFile(unfinished, hash));
}

async function hashOf(path: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}
