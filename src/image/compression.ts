/** How layers are compressed, and what their media types say of it. */
import { mediaTypes } from "../oci.ts";

export type Compression = "gzip" | "zstd";

/** How a layer is compressed; a foreign layer has Docker's name for it. */
export function compressionOf(mediaType: string): Compression | "none" {
  return /[.+]gzip$/.test(mediaType) ? "gzip" : /[.+]zstd$/.test(mediaType) ? "zstd" : "none";
}

/** OCI's name of a layer that Docker's manifests name otherwise. */
export function layerMediaType(compression: Compression | "none"): string {
  return compression === "none" ? mediaTypes.layer : `${mediaTypes.layer}+${compression}`;
}
