/** An image made, with its SBOM, and brought to where it is wanted: an archive, a layout folder, or registries. */
import type { Pushed, RegistryClient } from "../distribution/distribution.ts";
import { type Reference, referenceText } from "../image-reference.ts";
import { type Artifact, mediaTypes } from "../oci.ts";
import type { Progress } from "../progress.ts";
import { type Image, type ImageOptions, makeImage } from "./image.ts";
import { writeArchive, writeLayout } from "./layout.ts";
import { openBase } from "./open-base.ts";
import { referrer } from "./referrer.ts";
import { sbom } from "./sbom.ts";

export { defaultBase } from "./open-base.ts";

export interface ShipmentOptions
  extends Pick<ImageOptions, "platforms" | "runtime" | "app" | "facts" | "annotations" | "compression"> {
  /** Where it is going to be pushed. @default it is not */
  readonly destinations?: readonly Reference[];
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
  /** To pull the base. */
  readonly client: RegistryClient;
  /** Where compressed layers are kept. */
  readonly cacheFolder: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export interface Shipment extends Pick<Image, "sizes"> {
  readonly image: Artifact;
  readonly referrers: readonly Artifact[];
}

export async function makeShipment(options: ShipmentOptions): Promise<Shipment> {
  const { destinations = [], seconds = 0, client, cacheFolder, signal, progress } = options;
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
        cache,
        client,
        destinations,
      }),
  });
  const referrers = options.sbom === undefined ? [] : [await sbomOf(artifact, bases, options.sbom, options)];
  signal.throwIfAborted();
  return { image: artifact, referrers, sizes };
}

export interface Output {
  readonly path: string;
  readonly form: "archive" | "layout";
}

interface WriteOptions {
  /** Each with a tag. */
  readonly references: readonly Reference[];
  /** When it was made, since 1970. @default 1970 */
  readonly seconds?: number;
  readonly progress: Progress;
}

export async function writeShipment(
  { image, referrers }: Shipment,
  { path, form }: Output,
  { references, seconds = 0, progress }: WriteOptions,
): Promise<void> {
  const write = form === "archive" ? writeArchive : writeLayout;
  await write(path, { image, referrers, names: references.map(referenceText), seconds, progress });
}

export interface PushedShipment extends Pushed {
  /** By its digest, without a tag. */
  readonly reference: Reference;
}

/** To one repository after the other: what was yielded is there, whatever becomes of the next. */
export async function* pushShipment(
  { image, referrers }: Shipment,
  references: readonly Reference[],
  { client, progress }: { readonly client: RegistryClient; readonly progress: Progress },
): AsyncGenerator<PushedShipment> {
  const before = new Map<string, string>();
  for (const [to, tags] of byRepository(references)) {
    const from = before.get(to.registry);
    const sent = await client.push(to, from === undefined ? image : mounted(image, from), { tags, progress });
    let { sentBytes } = sent;
    for (const one of referrers) {
      const named = { ...to, digest: one.root.digest };
      sentBytes += (await client.push(named, one, { tags: [], progress })).sentBytes;
    }
    before.set(to.registry, to.repository);
    yield { ...sent, sentBytes, reference: { ...to, digest: image.root.digest } };
  }
}

/** @param mountFrom a repository of the same registry that has all of it */
function mounted({ root, contents }: Artifact, mountFrom: string): Artifact {
  return { root, contents: contents.map((content) => ({ ...content, mountFrom })) };
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
