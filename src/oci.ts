/** What is pushed, pulled and written: a tree of contents by digest, as the OCI image specification 1.1 has it. */

/** A reference to content (OCI descriptor.md); field names are the wire's. */
export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:<hex>` */
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  readonly artifactType?: string;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** As Go names them: `linux`, `amd64`, `arm64` with variant `v8`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** A manifest, a config or a layer; a large one is a file on the disk (Bun.file). */
export interface Content {
  readonly descriptor: Descriptor;
  readonly blob: Blob;
  /** The repository, on the same registry, that has it already (cross-repository mount): `library/alpine`. */
  readonly mountFrom?: string;
}

export interface Artifact {
  /** An image manifest, or an index of several. */
  readonly root: Descriptor;
  /** Children before their parents; the root last. */
  readonly contents: readonly Content[];
}

export const mediaTypes = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  empty: "application/vnd.oci.empty.v1+json",
  sbom: "application/vnd.cyclonedx+json",
} as const;

/** Docker's name for it means the same. */
const indexes: readonly string[] = [
  mediaTypes.index,
  "application/vnd.docker.distribution.manifest.list.v2+json",
];

export function isIndex(mediaType: string): boolean {
  return indexes.includes(mediaType);
}

type More = Omit<Descriptor, "mediaType" | "digest" | "size">;

export function sha256(bytes: Uint8Array | string): string {
  return `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;
}

/** Of what may be large. @param algorithm as digests name it: `sha256`, `sha512` */
export async function blobDigest(blob: Blob, algorithm = "sha256"): Promise<string> {
  const hash = new Bun.CryptoHasher(algorithm as Bun.SupportedCryptoAlgorithms);
  for await (const chunk of blob.stream()) hash.update(chunk);
  return `${algorithm}:${hash.digest("hex")}`;
}

/** @param more what else its descriptor says */
export function content(mediaType: string, bytes: Uint8Array<ArrayBuffer>, more: More = {}): Content {
  const descriptor = { mediaType, digest: sha256(bytes), size: bytes.length, ...more };
  return { descriptor, blob: new Blob([bytes]) };
}

/** Keys go out in the order in which they were set, so that the same value has the same digest. */
export function jsonContent(mediaType: string, value: unknown, more: More = {}): Content {
  return content(mediaType, new TextEncoder().encode(JSON.stringify(value)), more);
}

export function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
}

/** Variants are left out: of arm64 there is but v8, of amd64 the later ones run the first. */
export function samePlatform(one: Platform, other: Platform): boolean {
  return one.os === other.os && one.architecture === other.architecture;
}
