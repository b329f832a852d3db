/** An image as it is stored: from its root down to the manifest, the config and the layers of one platform. */
import { usageError } from "../errors.ts";
import {
  type Content,
  type Descriptor,
  isIndex,
  type Platform,
  platformText,
  samePlatform,
  sha256,
} from "../oci.ts";
import { compressionOf, layerMediaType } from "./compression.ts";

/** The content of a digest, wherever it is kept. */
export type Blobs = (digest: string) => Blob | undefined;

export interface ImageConfig extends Platform {
  readonly config?: {
    readonly Env?: readonly string[];
    readonly Labels?: Readonly<Record<string, string>> | null;
  };
  readonly rootfs?: { readonly diff_ids?: readonly string[] };
  readonly history?: readonly object[];
}

export interface StoredImage {
  readonly config: ImageConfig;
  readonly layers: readonly Content[];
}

/** The most bytes of a manifest or a config, as registries have it. */
export const maxDocument: number = 4 * 1024 * 1024;
/** How deep indexes lie in one another. */
const maxDepth = 4;

/** @throws MicrorunError `invalid_argument` where it is for other platforms, or damaged */
export async function storedImage(
  root: Descriptor,
  blobs: Blobs,
  { platform, what }: { readonly platform: Platform; readonly what: string },
): Promise<StoredImage> {
  let at = root;
  for (let depth = 0; isIndex(at.mediaType); depth++) {
    const { manifests = [] } = (await document(at, blobs, what)) as { manifests?: readonly Descriptor[] };
    const images = manifests.filter(({ artifactType }) => artifactType === undefined);
    const fits = images.find((one) => one.platform === undefined || samePlatform(one.platform, platform));
    if (fits === undefined || depth === maxDepth)
      throw otherPlatform(
        what,
        images.flatMap((one) => one.platform ?? []),
        platform,
      );
    at = fits;
  }
  const manifest = (await document(at, blobs, what)) as {
    config?: Descriptor;
    layers?: readonly Descriptor[];
  };
  if (manifest.config === undefined || manifest.layers === undefined)
    throw damaged(what, "its manifest is not that of an image");
  const config = (await document(manifest.config, blobs, what)) as unknown as ImageConfig;
  if (!samePlatform(config, platform)) throw otherPlatform(what, [config], platform);
  if (config.rootfs?.diff_ids?.length !== manifest.layers.length)
    throw damaged(what, "its config does not fit its layers");
  return { config, layers: manifest.layers.map((layer) => layerContent(layer, blobs, what)) };
}

/** In OCI's words, which Docker's layers may bear as well. */
function layerContent({ mediaType, digest, size }: Descriptor, blobs: Blobs, what: string): Content {
  const blob = present(digest, blobs, what);
  if (blob.size !== size) throw damaged(what, `${digest} is not of the size that its manifest says`);
  return { descriptor: { mediaType: layerMediaType(compressionOf(mediaType)), digest, size }, blob };
}

async function document(
  { digest }: Descriptor,
  blobs: Blobs,
  what: string,
): Promise<Record<string, unknown>> {
  const blob = present(digest, blobs, what);
  if (blob.size > maxDocument) throw damaged(what, `${digest} is too large`);
  const bytes = new Uint8Array(await blob.arrayBuffer());
  if (sha256(bytes) !== digest) throw damaged(what, `${digest} has other content than its name says`);
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch {
    throw damaged(what, `${digest} is no JSON`);
  }
}

function present(digest: string, blobs: Blobs, what: string): Blob {
  const blob = blobs(digest);
  if (blob === undefined) throw damaged(what, `${digest} is missing`);
  return blob;
}

export function damaged(what: string, why: string): Error {
  return usageError(`--base=${what}: damaged: ${why}`, "fetch or make it again");
}

export function otherPlatform(what: string, has: readonly Platform[], wanted: Platform): Error {
  const names = [...new Set(has.map(platformText))].filter((name) => !name.startsWith("unknown"));
  return usageError(
    `--base=${what}: it is for ${names.join(", ") || "no platform"}, not for ${platformText(wanted)}`,
    "give a base for that platform, or --platform for those that it has",
  );
}
