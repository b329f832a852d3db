/** Bytes → content by its digest. */
import type { Content, Descriptor } from "./artifact.ts";

type More = Omit<Descriptor, "mediaType" | "digest" | "size">;

export function sha256(bytes: Uint8Array | string): string {
  return `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;
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

/** What a parent's list says of a child: no more than the three that it needs. */
export function reference({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

/** As Go's tools write maps. */
export function sorted(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([one], [other]) => (one < other ? -1 : 1)));
}
