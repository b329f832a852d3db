/** The shared libraries in a layer, by name: what tells whether an executable runs on it. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { blobDigest, type Content } from "../oci.ts";
import { wholeFile } from "../whole-file.ts";
import { compressionOf } from "./compression.ts";
import { damaged } from "./stored-image.ts";
import { passing, tarMembers } from "./tar-index.ts";

const library = /(^|\/)((lib|ld-)[^/]*\.so[^/]*)$/;

/** Checks a layer, and reads it once: what was found is kept by its digest. @returns `libc.so.6`, `ld-musl-x86_64.so.1` … @throws MicrorunError for one that is damaged */
export async function layerLibraries(
  { descriptor, blob }: Content,
  folder: string,
  what: string,
): Promise<readonly string[]> {
  const kept = join(folder, `${descriptor.digest.replace(":", "-")}.libraries.json`);
  const [algorithm] = descriptor.digest.split(":");
  if ((await blobDigest(blob, algorithm)) !== descriptor.digest)
    throw damaged(what, `${descriptor.digest} has other content than its name says`);
  const known = await readKept(kept);
  if (known !== undefined) return known;
  const libraries: string[] = [];
  try {
    const tar = decompressed(blob.stream(), compressionOf(descriptor.mediaType));
    for await (const { path } of tarMembers(passing(tar), `--base=${what}`)) {
      const name = library.exec(path)?.[2];
      if (name !== undefined) libraries.push(name);
    }
    // what does not unpack may lie behind the tar's end
    for await (const _ of tar);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith("Z"))
      throw damaged(what, "a layer does not unpack");
    throw error;
  }
  await wholeFile(kept, (unfinished) => writeFile(unfinished, JSON.stringify(libraries)));
  return libraries;
}

async function readKept(path: string): Promise<string[] | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as string[];
  } catch {
    return undefined;
  }
}

function decompressed(
  bytes: AsyncIterable<Uint8Array>,
  compression: ReturnType<typeof compressionOf>,
): AsyncIterableIterator<Uint8Array> {
  if (compression === "none") return bytes[Symbol.asyncIterator]() as AsyncIterableIterator<Uint8Array>;
  const stream = Readable.from(bytes, { objectMode: false });
  const unpack = compression === "gzip" ? createGunzip() : createZstdDecompress();
  stream.on("error", (error) => unpack.destroy(error));
  return stream.pipe(unpack)[Symbol.asyncIterator]() as AsyncIterableIterator<Uint8Array>;
}
