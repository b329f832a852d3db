/** Manifests as registries give them: the media types taken, the bound on their size, and what they name. */
import { MicrorunError } from "../errors.ts";
import { isDigest } from "../image-reference.ts";
import { type Descriptor, isIndex, mediaTypes } from "../oci.ts";

/** In bytes; what registries must take at least, and many take at most. */
export const maxManifestBytes: number = 4 * 1024 * 1024;

const manifestTypes: readonly string[] = [
  mediaTypes.manifest,
  "application/vnd.docker.distribution.manifest.v2+json",
];

export const acceptedTypes: string = [
  mediaTypes.index,
  "application/vnd.docker.distribution.manifest.list.v2+json",
  ...manifestTypes,
].join(", ");

/** Of an image, of an artifact, or of several: what goes to `manifests/`; all else is a blob. */
export function isManifest(mediaType: string): boolean {
  return manifestTypes.includes(mediaType) || isIndex(mediaType);
}

export interface Manifest {
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  /** Of an index. */
  readonly manifests?: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** @throws MicrorunError `data_loss` */
export function parseManifest(bytes: Uint8Array, what: string): Manifest {
  const broken = (why: string) => new MicrorunError("data_loss", `${what}: ${why}`);
  let parsed: Manifest;
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw broken("its manifest is not JSON");
  }
  if (typeof parsed !== "object" || parsed === null) throw broken("its manifest is not an object");
  const { config, layers = [], manifests = [], subject } = parsed;
  if (!Array.isArray(layers) || !Array.isArray(manifests)) throw broken("its manifest names no lists");
  for (const descriptor of [config, subject, ...layers, ...manifests]) {
    if (descriptor !== undefined && !isDescriptor(descriptor))
      throw broken("its manifest names things badly");
  }
  return parsed;
}

function isDescriptor(value: unknown): value is Descriptor {
  const { digest, size, mediaType } = (value ?? {}) as Partial<Descriptor>;
  return (
    typeof digest === "string" &&
    isDigest(digest) &&
    Number.isSafeInteger(size) &&
    (size as number) >= 0 &&
    typeof mediaType === "string"
  );
}
