/** An image made, with its SBOM, and brought to where it is wanted: an archive, a layout folder, or registries. */
import type { Pushed, RegistryClient } from "../distribution/distribution.ts";
import { type Reference, referenceText } from "../image-reference.ts";
import { type Artifact, mediaTypes } from "../oci.ts";
import { type Image, type ImageOptions, makeImage } from "./image.ts";
import { writeArchive, writeLayout } from "./layout.ts";
import { openBase } from "./open-base.ts";
import { referrer } from "./referrer.ts";
import { sbom } from "./sbom.ts";

export { defaultBase } from "./open-base.ts";

export interface ShipmentOptions
  extends Pick<ImageOptions, "platforms" | "runtime" | "app" | "facts" | "annotations" | "compression"> {
  /** Each with a tag. */
  readonly references: readonly Reference[];
  /** Where to write it; without, it is pushed. */
  readonly output?: { readonly path: string; readonly form: "archive" | "layout" };
  /** What `--base` says. */
  readonly base: string;
  /** What the SBOM says of the module; without, none is made. */
  readonly sbom?: {
    readonly name: string;
    readonly version?: string;
    readonly inputs: readonly string[];
    readonly bun: string;
  };
  /** When all of it was made, since 1970. @default 1970, so that the same input gives the same digest */
  readonly seconds?: number;
  /** To push, and to pull the base. */
  readonly client: RegistryClient;
  /** Where compressed layers are kept. */
  readonly cacheFolder: string;
  readonly signal: AbortSignal;
  readonly progress: ImageOptions["cache"]["progress"];
}

export interface Shipment extends Pick<Image, "sizes"> {
  readonly digest: string;
  /** What was sent, by repository; nothing of what was written. */
  readonly pushed: readonly (Pushed & { readonly reference: Reference })[];
}

export async function ship(options: ShipmentOptions): Promise<Shipment> {
  const { references, output, seconds = 0, client, cacheFolder, signal, progress } = options;
  const cache = { folder: cacheFolder, progress };
  const { artifact, bases, sizes } = await makeImage({
    ...options,
    seconds,
    cache,
    base: (platform) =>
      openBase({
        what: options.base,
        platform,
        compression: options.compression,
        seconds,
        cache,
        client,
        destinations: output === undefined ? references : [],
      }),
  });
  const referrers = options.sbom === undefined ? [] : [await sbomOf(artifact, bases, options.sbom, options)];
  signal.throwIfAborted();
  const { digest } = artifact.root;
  if (output !== undefined) {
    const write = output.form === "archive" ? writeArchive : writeLayout;
    const names = references.map(referenceText);
    await write(output.path, { image: artifact, referrers, names, seconds, progress });
    return { digest, sizes, pushed: [] };
  }
  const pushed: Shipment["pushed"][number][] = [];
  for (const [reference, tags] of byRepository(references)) {
    const sent = await client.push(reference, artifact, { tags, progress });
    let { sentBytes } = sent;
    for (const one of referrers) {
      const named = { ...reference, digest: one.root.digest };
      sentBytes += (await client.push(named, one, { tags: [], progress })).sentBytes;
    }
    pushed.push({ ...sent, sentBytes, reference });
  }
  return { digest, sizes, pushed };
}

async function sbomOf(
  { root }: Artifact,
  bases: Image["bases"],
  about: NonNullable<ShipmentOptions["sbom"]>,
  { facts, seconds }: ShipmentOptions,
): Promise<Artifact> {
  const origins = new Map(
    bases.flatMap(({ origin }) => (origin === undefined ? [] : [[origin.digest, origin]])),
  );
  const document = await sbom({
    ...about,
    runtime: { version: facts.version, bun: about.bun },
    bases: [...origins.values()],
    subject: root.digest,
    ...(seconds === undefined ? {} : { seconds }),
  });
  return referrer(root, mediaTypes.sbom, document, {
    "org.opencontainers.image.title": `${about.name}.cdx.json`,
  });
}

/** One of each repository, without its tag, and all tags that it gets. */
function byRepository(references: readonly Reference[]): [Reference, string[]][] {
  const found = new Map<string, [Reference, string[]]>();
  for (const { tag = "latest", registry, repository } of references) {
    const key = `${registry}/${repository}`;
    const [, tags] = found.get(key) ?? [undefined, []];
    found.set(key, [{ registry, repository }, [...tags, tag]]);
  }
  return [...found.values()];
}
