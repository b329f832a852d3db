/** A module, the runtime and a base → an OCI image; the same input gives the same digest. */
import {
  type Artifact,
  blobDigest,
  type Content,
  type Descriptor,
  jsonContent,
  mediaTypes,
  type Platform,
  platformText,
} from "../oci.ts";
import type { Base, Libc } from "./base.ts";
import { reference, sorted } from "./canonical.ts";
import type { Compression } from "./compression.ts";
import { type ImageFacts, imageConfig, runtimePath } from "./config.ts";
import { cachedLayer, type Layer, type LayerCache, smallLayer } from "./layer.ts";
import { nodeArch } from "./platform.ts";
import { type TarEntry, tarStream } from "./tar.ts";
import { withFolders } from "./tree.ts";

export interface ImageOptions {
  readonly platforms: readonly Platform[];
  readonly base: (platform: Platform) => Promise<Base>;
  /** The path of the runtime's executable. */
  readonly runtime: (platform: { arch: "x64" | "arm64"; libc: Libc }) => Promise<string>;
  readonly app: App;
  readonly facts: ImageFacts;
  /** Of the manifests; the index has them too. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly compression: Compression;
  /** When it was made, since 1970. What lies below the app is not of that date, as it is the same for all. */
  readonly seconds: number;
  readonly cache: Pick<LayerCache, "folder" | "progress">;
}

export interface App {
  /** Absolute, where it lies in the image: `/app`. */
  readonly folder: string;
  /** Relative to it: `greeter.js`. */
  readonly module: string;
  /** What `--proto` names, relative to it. */
  readonly proto: readonly string[];
  readonly files: readonly { readonly path: string; readonly bytes: Uint8Array }[];
}

export interface Image {
  readonly artifact: Artifact;
  readonly bases: readonly Base[];
  /** By what they hold, of the first platform: in bytes, compressed. */
  readonly sizes: { readonly base: number; readonly runtime: number; readonly app: number };
}

export async function makeImage(options: ImageOptions): Promise<Image> {
  const app = await appLayer(options);
  const made: PlatformImage[] = [];
  for (const platform of options.platforms) made.push(await platformImage(platform, app, options));
  const [first] = made as [PlatformImage, ...PlatformImage[]];
  const contents = new Map<string, Content>();
  // the first of a digest: that of a base knows where it can be mounted from
  for (const one of made.flatMap(({ contents }) => contents))
    if (!contents.has(one.descriptor.digest)) contents.set(one.descriptor.digest, one);
  let root = first.root;
  if (made.length > 1) {
    const index = jsonContent(mediaTypes.index, {
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: made.map(({ root, base }) => ({ ...reference(root), platform: base.platform })),
      annotations: sorted(options.annotations),
    });
    contents.set(index.descriptor.digest, index);
    root = index.descriptor;
  }
  return {
    artifact: { root, contents: [...contents.values()] },
    bases: made.map(({ base }) => base),
    sizes: first.sizes,
  };
}

interface PlatformImage {
  readonly root: Descriptor;
  readonly contents: readonly Content[];
  readonly base: Base;
  readonly sizes: Image["sizes"];
}

async function platformImage(platform: Platform, app: Layer, options: ImageOptions): Promise<PlatformImage> {
  const base = await options.base(platform);
  const executable = await options.runtime({ arch: nodeArch(platform), libc: base.libc });
  const below = await base.layersFor(executable);
  const runtime = await runtimeLayer(executable, platform, options);
  const layers = [...below, runtime, app];
  const config = jsonContent(mediaTypes.config, imageConfig({ ...options, base, layers }));
  const manifest = jsonContent(
    mediaTypes.manifest,
    {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: reference(config.descriptor),
      layers: layers.map(({ content }) => reference(content.descriptor)),
      annotations: sorted({ ...baseAnnotations(base), ...options.annotations }),
    },
    { platform },
  );
  const size = (of: readonly Layer[]) => of.reduce((sum, { content }) => sum + content.descriptor.size, 0);
  return {
    root: manifest.descriptor,
    contents: [...layers.map(({ content }) => content), config, manifest],
    base,
    sizes: { base: size(below), runtime: size([runtime]), app: size([app]) },
  };
}

function baseAnnotations({ origin }: Base): Record<string, string> {
  if (origin === undefined) return {};
  return {
    "org.opencontainers.image.base.name": origin.name,
    "org.opencontainers.image.base.digest": origin.digest,
  };
}

async function runtimeLayer(path: string, platform: Platform, options: ImageOptions): Promise<Layer> {
  const { compression, cache } = options;
  const executable = Bun.file(path);
  const entries = withFolders([{ path: runtimePath, type: "file", mode: 0o755, content: executable }]);
  return cachedLayer(() => tarStream(entries), compression, "runtime", {
    ...cache,
    key: (await blobDigest(executable)).replace(":", "-"),
    what: `layer runtime ${platformText(platform)}`,
    total: executable.size,
  });
}

function appLayer({ app, compression, seconds }: ImageOptions): Promise<Layer> {
  const entries = app.files.map(
    ({ path, bytes }): TarEntry => ({
      path: `${app.folder.slice(1)}/${path}`,
      type: "file",
      mode: 0o644,
      content: bytes,
    }),
  );
  return smallLayer(tarStream(withFolders(entries), seconds), compression, "app");
}
