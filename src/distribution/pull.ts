/** An image from a registry: its manifests by digest, what they name as files of the cache. */
import { createHash } from "node:crypto";
import { MicrorunError } from "../errors.ts";
import { isDigest } from "../image-reference.ts";
import {
  type Artifact,
  type Content,
  type Descriptor,
  isIndex,
  mediaTypes,
  type Platform,
  platformText,
  samePlatform,
  sha256,
} from "../oci.ts";
import type { Progress } from "../progress.ts";
import type { BlobCache } from "./blob-cache.ts";
import { readBounded } from "./body.ts";
import { acceptedTypes, isManifest, type Manifest, maxManifestBytes, parseManifest } from "./manifest.ts";
import { inParallel } from "./parallel.ts";
import { pullBlob } from "./pull-blob.ts";
import type { Session } from "./session.ts";

export interface PullOptions {
  readonly session: Session;
  /** For messages. */
  readonly name: string;
  /** A tag or a digest. */
  readonly version: string;
  /** The only one that is wanted of an index. */
  readonly platform: Platform | undefined;
  readonly cache: BlobCache;
  readonly progress: Progress | undefined;
}

/** Indexes in indexes in indexes. */
const maxDepth = 4;

export async function pull(options: PullOptions): Promise<Artifact> {
  const { version, platform } = options;
  const first = await fetchManifest(options, version);
  const chosen = platform === undefined ? first : await choose(options, first, platform);
  const contents = new Map<string, Content>();
  await collect(options, chosen, contents, maxDepth);
  const fetchBlob = async (descriptor: Descriptor): Promise<Blob> => {
    const what = `layer ${descriptor.digest.replace(/^\w+:(.{12}).*/, "$1")}`;
    const told = (done: number) => options.progress?.({ what, done, total: descriptor.size });
    return Bun.file(await pullBlob(options.session, descriptor, options.cache, told));
  };
  if (platform !== undefined) await checkPlatform(options, chosen.manifest, platform, fetchBlob);
  const blobs = [...contents.values()].filter(({ descriptor }) => !isManifest(descriptor.mediaType));
  await inParallel(
    blobs,
    async ({ descriptor }) => {
      contents.set(descriptor.digest, { descriptor, blob: await fetchBlob(descriptor) });
    },
    options.session.stop,
  );
  return { root: chosen.descriptor, contents: [...contents.values()] };
}

interface Fetched {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly manifest: Manifest;
}

/** One that is asked for by its digest comes from the cache. @param known what names it, of which the platform and the annotations are kept */
async function fetchManifest(
  { session, name, cache }: PullOptions,
  version: string,
  known?: Descriptor,
): Promise<Fetched> {
  const kept = isDigest(version) ? await cache.find(version) : undefined;
  const { bytes, type, said } = kept === undefined ? await answered() : await fromCache(kept);
  const digest = isDigest(version) ? version : sha256(bytes);
  if (digestOf(bytes, digest) !== digest) throw notTheSame(name, digest);
  if (said?.startsWith("sha256:") && said !== sha256(bytes)) throw notTheSame(name, said);
  const manifest = parseManifest(bytes, name);
  const mediaType = known?.mediaType ?? manifest.mediaType ?? type ?? impliedType(manifest);
  if (!isManifest(mediaType))
    throw new MicrorunError(
      "failed_precondition",
      `${name}: its manifest is of the type ${mediaType || "unknown"}`,
      {
        hint: "build it anew: only OCI images and Docker's schema 2 are read",
      },
    );
  if (kept === undefined) {
    await using file = await cache.write(digest);
    await file.append(bytes);
    await file.done();
  }
  return { descriptor: { ...known, mediaType, digest, size: bytes.length }, bytes, manifest };

  async function answered() {
    const response = await session.patiently({
      path: `manifests/${version}`,
      headers: { accept: acceptedTypes },
    });
    if (!response.ok) throw await session.refused(response);
    const bytes = (await readBounded(response, maxManifestBytes)) as Uint8Array<ArrayBuffer>;
    const type = response.headers.get("content-type")?.split(";")[0]?.trim();
    return { bytes, type, said: response.headers.get("docker-content-digest") };
  }
  async function fromCache(path: string) {
    return { bytes: new Uint8Array(await Bun.file(path).arrayBuffer()), type: undefined, said: undefined };
  }
}

/** A manifest need not say its type, and in the cache nothing else does. */
function impliedType({ manifests, config }: Manifest): string {
  return manifests !== undefined ? mediaTypes.index : config !== undefined ? mediaTypes.manifest : "";
}

function digestOf(bytes: Uint8Array, like: string): string {
  const [algorithm = ""] = like.split(":");
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

function notTheSame(name: string, digest: string): MicrorunError {
  return new MicrorunError("data_loss", `${name}: the manifest that came is not ${digest}`, {
    hint: "try again; if it stays so, ask who keeps the registry or the proxy on the way",
  });
}

async function choose(options: PullOptions, from: Fetched, platform: Platform): Promise<Fetched> {
  if (!isIndex(from.descriptor.mediaType)) return from;
  const { manifests = [] } = from.manifest;
  const found = manifests.find(
    (child) => child.platform !== undefined && samePlatform(child.platform, platform),
  );
  if (found !== undefined) return fetchManifest(options, found.digest, found);
  // attestations go by unknown/unknown
  const there = manifests.flatMap((child) =>
    child.platform && child.platform.os !== "unknown" ? [platformText(child.platform)] : [],
  );
  throw otherPlatform(options.name, platform, [...new Set(there)].join(", ") || "none by name");
}

/** An image by itself says its platform in its config, which is looked at before the layers are fetched. */
async function checkPlatform(
  { name }: PullOptions,
  { config }: Manifest,
  platform: Platform,
  fetchBlob: (descriptor: Descriptor) => Promise<Blob>,
): Promise<void> {
  if (
    config === undefined ||
    config.size > maxManifestBytes ||
    !/(?:image\.config\.v1|container\.image\.v1)\+json$/.test(config.mediaType)
  )
    return;
  const said = JSON.parse(await (await fetchBlob(config)).text()) as Partial<Platform>;
  if (said.os === undefined || said.architecture === undefined) return;
  const own = { os: said.os, architecture: said.architecture };
  if (!samePlatform(own, platform)) throw otherPlatform(name, platform, platformText(own));
}

function otherPlatform(name: string, wanted: Platform, there: string): MicrorunError {
  return new MicrorunError(
    "not_found",
    `${name}: it is not there for ${platformText(wanted)}, only for ${there}`,
    {
      hint: "choose one of these by --platform, or another image",
    },
  );
}

/** Children before their parents. */
async function collect(
  options: PullOptions,
  { descriptor, bytes, manifest }: Fetched,
  contents: Map<string, Content>,
  depth: number,
): Promise<void> {
  if (depth === 0)
    throw new MicrorunError("data_loss", `${options.name}: its indexes lie too deep in each other`);
  for (const child of manifest.manifests ?? []) {
    if (contents.has(child.digest)) continue;
    await collect(options, await fetchManifest(options, child.digest, child), contents, depth - 1);
  }
  for (const blob of [...(manifest.config ? [manifest.config] : []), ...(manifest.layers ?? [])]) {
    contents.set(blob.digest, { descriptor: blob, blob: new Blob() });
  }
  contents.set(descriptor.digest, { descriptor, blob: new Blob([bytes]) });
}
