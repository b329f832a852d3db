/** Images on the disk: an OCI layout as a folder, or as an archive that Docker's own loader takes too. */
import { createWriteStream } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { MicrorunError } from "../errors.ts";
import {
  type Artifact,
  blobDigest,
  type Content,
  type Descriptor,
  isIndex,
  mediaTypes,
  samePlatform,
} from "../oci.ts";
import type { Progress } from "../progress.ts";
import { wholeFile } from "../whole-file.ts";
import { layoutVersion, listedImages, nameAnnotations, namesOf } from "./layout-index.ts";
import { ownPlatform } from "./platform.ts";
import { type TarEntry, tarStream } from "./tar.ts";
import { withFolders } from "./tree.ts";

export interface LayoutOptions {
  readonly image: Artifact;
  /** What refers to it. */
  readonly referrers: readonly Artifact[];
  /** With registry and tag: `docker.io/library/greeter:1`. */
  readonly names: readonly string[];
  readonly seconds: number;
  readonly progress: Progress;
}

const version = JSON.stringify({ imageLayoutVersion: layoutVersion });

interface Index {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
}

/** What was there of another name stays; where it fails, all is as before. */
export async function writeLayout(folder: string, options: LayoutOptions): Promise<void> {
  const { isNew, listed } = await readLayout(folder);
  const index = JSON.stringify(layoutIndex(options, listed));
  const write = (name: string, text: string) =>
    wholeFile(join(folder, name), (unfinished) => writeFile(unfinished, text));
  const made = await mkdir(folder, { recursive: true });
  const added: string[] = [];
  try {
    // first, so that what a run leaves that is killed is known for a layout
    if (isNew) await write("oci-layout", version);
    for (const { descriptor, blob } of contentsOf(options)) {
      const path = join(folder, blobPath(descriptor));
      const there = await blobDigest(Bun.file(path)).catch(() => undefined);
      if (there === descriptor.digest) continue;
      if (there === undefined) added.push(path);
      await wholeFile(path, (unfinished) => pipeline(readable(blob.stream()), createWriteStream(unfinished)));
    }
    await write("index.json", index);
  } catch (error) {
    const own = isNew ? ["oci-layout", "blobs"].map((name) => join(folder, name)) : added;
    for (const path of made === undefined ? own : [made]) await rm(path, { recursive: true, force: true });
    throw error;
  }
}

async function readLayout(folder: string): Promise<{ isNew: boolean; listed: readonly Descriptor[] }> {
  const names: readonly string[] = await readdir(folder).catch(() => []);
  if (names.length === 0) return { isNew: true, listed: [] };
  const refused = (why: string) =>
    new MicrorunError("already_exists", `image: cannot add to ${folder}: ${why}`, {
      hint: "name a folder that is empty, or not there",
    });
  if (!names.includes("oci-layout")) throw refused("it holds other things than an OCI layout");
  const text = (name: string) => readFile(join(folder, name), "utf8").catch(() => undefined);
  const texts = { version: await text("oci-layout"), index: await text("index.json") };
  return { isNew: false, listed: listedImages(texts, refused) };
}

export async function writeArchive(path: string, options: LayoutOptions): Promise<void> {
  const file = (name: string, content: string | Blob): TarEntry => ({
    path: name,
    type: "file",
    mode: 0o644,
    content: typeof content === "string" ? new TextEncoder().encode(content) : content,
  });
  const blobs = contentsOf(options).map(({ descriptor, blob }) => file(blobPath(descriptor), blob));
  const entries = withFolders([
    ...blobs,
    file("index.json", JSON.stringify(layoutIndex(options, []))),
    file("manifest.json", JSON.stringify(await dockerManifest(options))),
    file("oci-layout", version),
  ]);
  const total = blobs.reduce((sum, { content }) => sum + (content as Blob).size, 0);
  const counted = async function* () {
    let done = 0;
    for await (const chunk of tarStream(entries, options.seconds)) {
      done += chunk.length;
      options.progress({ what: path, done: Math.min(done, total), total });
      yield chunk;
    }
  };
  await wholeFile(path, (unfinished) => pipeline(readable(counted()), createWriteStream(unfinished)));
}

function readable(chunks: AsyncIterable<Uint8Array>): Readable {
  return Readable.from(chunks, { objectMode: false });
}

function contentsOf({ image, referrers }: LayoutOptions): Content[] {
  const all = [image, ...referrers].flatMap(({ contents }) => contents);
  return [...new Map(all.map((one) => [one.descriptor.digest, one])).values()];
}

function blobPath({ digest }: Descriptor): string {
  return `blobs/${digest.replace(":", "/")}`;
}

/** @param before what the layout listed; a name is given to the new one */
function layoutIndex({ image, referrers, names }: LayoutOptions, before: readonly Descriptor[]): Index {
  const named = names.map((name) => ({ ...image.root, annotations: nameAnnotations(name) }));
  const added = [...named, ...referrers.map(({ root }) => root)];
  const kept = before.filter(
    (one) =>
      !namesOf(one).some((name) => names.includes(name)) &&
      !referrers.some(({ root }) => root.digest === one.digest),
  );
  return { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [...kept, ...added] };
}

/** It names one image: of several platforms this machine's, which is who loads it. */
async function dockerManifest({ image, names }: LayoutOptions): Promise<object[]> {
  const document = async ({ digest }: Descriptor) =>
    JSON.parse(await image.contents.find((one) => one.descriptor.digest === digest)!.blob.text());
  let { root } = image;
  if (isIndex(root.mediaType)) {
    const { manifests } = (await document(root)) as Index;
    root = manifests.find(({ platform }) => samePlatform(platform!, ownPlatform())) ?? manifests[0]!;
  }
  const manifest = (await document(root)) as { config: Descriptor; layers: Descriptor[] };
  return [
    {
      Config: blobPath(manifest.config),
      RepoTags: names.map((name) => name.replace(/^docker\.io\/(library\/)?/, "")),
      Layers: manifest.layers.map(blobPath),
    },
  ];
}
