/** The names of what an image is made of: OCI's, and Docker's, which mean the same. */

export const mediaTypes = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  empty: "application/vnd.oci.empty.v1+json",
  sbom: "application/vnd.cyclonedx+json",
} as const;

export const compressions = ["gzip", "zstd"] as const;
export type Compression = (typeof compressions)[number];

const indexes: readonly string[] = [
  mediaTypes.index,
  "application/vnd.docker.distribution.manifest.list.v2+json",
];

export function isIndex(mediaType: string): boolean {
  return indexes.includes(mediaType);
}

/** How a layer is compressed; a foreign layer has Docker's name for it. */
export function compressionOf(mediaType: string): Compression | "none" {
  return /[.+]gzip$/.test(mediaType) ? "gzip" : /[.+]zstd$/.test(mediaType) ? "zstd" : "none";
}

/** OCI's name of a layer that Docker's manifests name otherwise. */
export function layerMediaType(compression: Compression | "none"): string {
  return compression === "none" ? mediaTypes.layer : `${mediaTypes.layer}+${compression}`;
}
