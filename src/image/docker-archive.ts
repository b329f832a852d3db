/** Docker's own form of an archive: a `manifest.json` that names a config and layers, most of them not compressed. */
import { blobDigest, type Content, samePlatform } from "../oci.ts";
import type { BaseOptions } from "./base.ts";
import { layerMediaType } from "./compression.ts";
import { cachedLayer } from "./layer.ts";
import { noSuchImage, severalImages } from "./layout-index.ts";
import { damaged, type ImageConfig, otherPlatform, type StoredImage } from "./stored-image.ts";

interface Saved {
  readonly RepoTags?: readonly string[] | null;
  readonly Config: string;
  readonly Layers: readonly string[];
}

/** @param file a member of the archive */
export async function dockerArchive(
  file: (path: string) => Blob | undefined,
  { what, image, platform, compression, cache }: BaseOptions,
): Promise<StoredImage> {
  const json = async (path: string): Promise<unknown> => {
    const text = await file(path)?.text();
    if (text === undefined) throw damaged(what, `${path} is missing`);
    try {
      return JSON.parse(text);
    } catch {
      throw damaged(what, `${path} is no JSON`);
    }
  };
  const images = await json("manifest.json");
  if (!Array.isArray(images)) throw damaged(what, "manifest.json lists no images");
  const configs = await Promise.all(
    meant(images, image, what).map(async (saved) => ({
      saved,
      config: (await json(saved.Config)) as ImageConfig,
    })),
  );
  const [fits, another] = configs.filter(({ config }) => samePlatform(config, platform));
  if (another !== undefined) throw severalImages(what, images.flatMap(tagsOf));
  if (fits === undefined)
    throw otherPlatform(
      what,
      configs.map(({ config }) => config),
      platform,
    );
  const { saved, config } = fits;
  const layers: Content[] = [];
  for (const [at, path] of saved.Layers.entries()) {
    const blob = file(path);
    const diffId = config.rootfs?.diff_ids?.[at];
    if (blob === undefined || diffId === undefined) throw damaged(what, `${path} is missing`);
    layers.push(await layerOf(blob, diffId, { what, compression, cache }));
  }
  return { config, layers };
}

function tagsOf({ RepoTags }: Saved): readonly string[] {
  return RepoTags ?? [];
}

function meant(images: readonly Saved[], image: string | undefined, what: string): readonly Saved[] {
  const found = images.filter(
    (one) => image === undefined || tagsOf(one).some((tag) => tag === image || tag.endsWith(`:${image}`)),
  );
  if (found.length === 0 && image !== undefined) throw noSuchImage(what, image, images.flatMap(tagsOf));
  return found;
}

async function layerOf(
  blob: Blob,
  diffId: string,
  { what, compression, cache }: Omit<BaseOptions, "platform">,
): Promise<Content> {
  const [first, second] = new Uint8Array(await blob.slice(0, 2).arrayBuffer());
  if (first === 0x1f && second === 0x8b) {
    const digest = await blobDigest(blob);
    return { descriptor: { mediaType: layerMediaType("gzip"), digest, size: blob.size }, blob };
  }
  const { content, ...made } = await cachedLayer(() => blob.stream(), compression, "base", {
    ...cache,
    key: diffId.replace(":", "-"),
    what: `layer base ${what}`,
    total: blob.size,
  });
  if (made.diffId !== diffId) throw damaged(what, `${diffId} has other content than its name says`);
  return content;
}
