/** Files → a layer: a tar, compressed, known by the digest of each. */
import { createWriteStream } from "node:fs";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";
import { blobDigest, type Content } from "../oci.ts";
import type { Progress } from "../progress.ts";
import { wholeFile } from "../whole-file.ts";
import { type Compression, layerMediaType } from "./compression.ts";

export interface Layer {
  readonly content: Content;
  /** The digest of the tar before it was compressed. */
  readonly diffId: string;
  /** What made it, for the image's history. */
  readonly by: string;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Good enough: more levels cost seconds for a per cent. */
const gzipLevel = 6;
const zstdLevel = 9;
const blockBytes = 256 * 1024;

/** How many layers are kept in the cache; some base images have a dozen. */
const maxKept = 24;

interface Compressed {
  readonly diffId: string;
  readonly digest: string;
  readonly size: number;
}

/** A layer of few bytes. */
export async function smallLayer(
  tar: AsyncIterable<Bytes>,
  compression: Compression,
  by: string,
): Promise<Layer> {
  const parts: Bytes[] = [];
  const made = await compress(tar, compression, async (chunks) => {
    for await (const chunk of chunks) parts.push(chunk);
  });
  return layer(made, new Blob(parts), compression, by);
}

export interface LayerCache {
  /** Where compressed layers are kept. */
  readonly folder: string;
  /** What its content depends on, as a name of a file. */
  readonly key: string;
  readonly what: string;
  /** Before it is compressed, in bytes; about. */
  readonly total: number;
  readonly progress: Progress;
}

/** A layer of many bytes: once compressed it is kept. */
export async function cachedLayer(
  tar: () => AsyncIterable<Bytes>,
  compression: Compression,
  by: string,
  { folder, key, what, total, progress }: LayerCache,
): Promise<Layer> {
  const path = join(folder, `${key}.tar.${compression}`);
  const kept = await readKept(path);
  if (kept !== undefined) return layer(kept, Bun.file(path), compression, by);
  let done = 0;
  const counted = async function* () {
    for await (const chunk of tar()) {
      done += chunk.length;
      progress({ what, done: Math.min(done, total), total });
      yield chunk;
    }
  };
  let made: Compressed | undefined;
  await wholeFile(path, async (unfinished) => {
    made = await compress(counted(), compression, (chunks) =>
      pipeline(Readable.from(chunks, { objectMode: false }), createWriteStream(unfinished)),
    );
  });
  await wholeFile(`${path}.json`, (unfinished) => writeFile(unfinished, JSON.stringify(made)));
  progress({ what, done: total, total });
  await removeOld(folder);
  return layer(made!, Bun.file(path), compression, by);
}

/** The layers that were not made lately: each version of microrun leaves some. */
async function removeOld(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /\.tar\.\w+$/.test(name));
  const paths = names.map((name) => join(folder, name));
  const dated = await Promise.all(paths.map(async (path) => ({ path, at: (await stat(path)).mtimeMs })));
  const old = dated.sort((a, b) => b.at - a.at).slice(maxKept);
  for (const { path } of old) for (const file of [`${path}.json`, path]) await rm(file, { force: true });
}

/** What was cut off or damaged does not count. */
async function readKept(path: string): Promise<Compressed | undefined> {
  try {
    const kept = JSON.parse(await readFile(`${path}.json`, "utf8")) as Compressed;
    return (await blobDigest(Bun.file(path))) === kept.digest ? kept : undefined;
  } catch {
    return undefined;
  }
}

function layer(
  { diffId, digest, size }: Compressed,
  blob: Blob,
  compression: Compression,
  by: string,
): Layer {
  return {
    content: { descriptor: { mediaType: layerMediaType(compression), digest, size }, blob },
    diffId,
    by,
  };
}

/** Pieces of one size, however they come: what Bun's gzip makes of the same bytes depends on where they were cut. */
async function* inBlocks(chunks: AsyncIterable<Bytes>): AsyncGenerator<Bytes> {
  let block = new Uint8Array(blockBytes);
  let filled = 0;
  for await (let chunk of chunks) {
    while (chunk.length > 0) {
      const part = chunk.subarray(0, blockBytes - filled);
      block.set(part, filled);
      filled += part.length;
      chunk = chunk.subarray(part.length);
      if (filled < blockBytes) continue;
      yield block;
      block = new Uint8Array(blockBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

async function compress(
  tar: AsyncIterable<Bytes>,
  compression: Compression,
  write: (chunks: AsyncIterable<Bytes>) => Promise<void>,
): Promise<Compressed> {
  const before = new Bun.CryptoHasher("sha256");
  const after = new Bun.CryptoHasher("sha256");
  let size = 0;
  const input = async function* () {
    for await (const chunk of tar) {
      before.update(chunk);
      yield chunk;
    }
  };
  const compressor =
    compression === "gzip"
      ? createGzip({ level: gzipLevel })
      : createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: zstdLevel } });
  await pipeline(inBlocks(input()), compressor, async (compressed: AsyncIterable<Bytes>) => {
    const output = async function* () {
      for await (const chunk of compressed) {
        // zlib names the operating system at this place of the header; 255 is "unknown", everywhere
        if (size === 0 && compression === "gzip") chunk[9] = 255;
        size += chunk.length;
        after.update(chunk);
        yield chunk;
      }
    };
    await write(output());
  });
  return { diffId: `sha256:${before.digest("hex")}`, digest: `sha256:${after.digest("hex")}`, size };
}
