/** A base that is an image: of a registry, of an archive or of a layout folder. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { usageError } from "../errors.ts";
import type { Artifact, Content } from "../oci.ts";
import { type Base, type BaseOptions, checkLibraries, libcOf } from "./base.ts";
import { dockerArchive } from "./docker-archive.ts";
import type { Layer } from "./layer.ts";
import { layerLibraries } from "./layer-libraries.ts";
import { chosenImage, listedImages } from "./layout-index.ts";
import { damaged, maxDocument, otherPlatform, type StoredImage, storedImage } from "./stored-image.ts";
import { tarMembers } from "./tar-index.ts";

/** What was pulled. @param mountFrom its repository, where the image is pushed to the same registry */
export async function pulledBase(
  artifact: Artifact,
  origin: NonNullable<Base["origin"]>,
  mountFrom: string | undefined,
  options: BaseOptions,
): Promise<Base> {
  const all = new Map(artifact.contents.map(({ descriptor, blob }) => [descriptor.digest, blob]));
  const image = await storedImage(artifact.root, (digest) => all.get(digest), options);
  const mounted = (content: Content) => (mountFrom === undefined ? content : { ...content, mountFrom });
  return imageBase({ ...image, layers: image.layers.map(mounted) }, options, origin);
}

export function isLayout(folder: string): boolean {
  return existsSync(join(folder, "oci-layout"));
}

export async function layoutBase(folder: string, options: BaseOptions): Promise<Base> {
  const file = (path: string) => {
    const stat = statSync(join(folder, path), { throwIfNoEntry: false });
    return stat?.isFile() ? Bun.file(join(folder, path)) : undefined;
  };
  return imageBase(await layoutImage(file, options), options);
}

/** As `docker save`, `podman save`, `buildah push` and this program write them. */
export async function archiveBase(path: string, options: BaseOptions): Promise<Base> {
  const archive = Bun.file(path);
  const members = new Map<string, Blob>();
  const read = async (at: number, length: number) =>
    new Uint8Array(await archive.slice(at, at + length).arrayBuffer());
  for await (const { path: name, at, size } of tarMembers(read, `--base=${options.what}`))
    members.set(name, archive.slice(at, at + size));
  const file = (name: string) => members.get(name);
  if (members.has("index.json")) return imageBase(await layoutImage(file, options), options);
  if (members.has("manifest.json")) return imageBase(await dockerArchive(file, options), options);
  throw usageError(
    `--base=${options.what}: it holds no image`,
    "give an archive as docker save, podman save or microrun image -o writes it",
  );
}

async function layoutImage(
  file: (path: string) => Blob | undefined,
  options: BaseOptions,
): Promise<StoredImage> {
  const { platform, what, image } = options;
  const index = file("index.json");
  if (index === undefined) throw damaged(what, "it has no index.json");
  if (index.size > maxDocument) throw damaged(what, "index.json is too large");
  const texts = { version: await file("oci-layout")?.text(), index: await index.text() };
  const listed = listedImages(texts, (why) => damaged(what, why));
  const root = chosenImage(listed, { platform, image, what });
  if (root === undefined)
    throw otherPlatform(
      what,
      listed.flatMap(({ platform }) => platform ?? []),
      platform,
    );
  return storedImage(root, (digest) => file(`blobs/${digest.replace(":", "/")}`), options);
}

async function imageBase(
  { config, layers }: StoredImage,
  { what, cache, platform }: BaseOptions,
  origin?: Base["origin"],
): Promise<Base> {
  const libraries = new Set<string>();
  for (const layer of layers)
    for (const name of await layerLibraries(layer, cache.folder, what)) libraries.add(name);
  const own: Layer[] = layers.map((content, at) => ({
    content,
    diffId: config.rootfs!.diff_ids![at]!,
    by: "base",
  }));
  return {
    what,
    ...(origin === undefined ? {} : { origin }),
    platform,
    libc: libcOf(libraries, what),
    env: config.config?.Env ?? [],
    labels: config.config?.Labels ?? {},
    ...(config.history === undefined ? {} : { history: config.history }),
    layersFor: async (executable) => {
      await checkLibraries(executable, libraries, what);
      return own;
    },
  };
}
