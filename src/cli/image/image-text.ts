/** What is said of an image that was made. */
import { type Reference, referenceText } from "../../image-reference.ts";

interface Sizes {
  readonly base: number;
  readonly runtime: number;
  readonly app: number;
}

interface Pushed {
  readonly reference: Reference;
  readonly sentBytes: number;
  readonly present: number;
  readonly mounted: number;
}

export function layersText(sizes: Sizes): string {
  const parts = Object.entries(sizes).map(([name, bytes]) => `${name} ${sizeText(bytes)}`);
  return `layers: ${parts.join(", ")}`;
}

export function pushedText({
  reference: { registry, repository },
  sentBytes,
  present,
  mounted,
}: Pushed): string {
  const there = present + mounted === 0 ? "" : `, ${present + mounted} contents were there`;
  return `pushed to ${registry}/${repository}: ${sizeText(sentBytes)} sent${there}`;
}

/** `registry/repository@sha256:…`, one of each repository. */
export function byDigest(references: readonly Reference[], digest: string): string[] {
  const all = references.map(({ registry, repository }) => referenceText({ registry, repository, digest }));
  return [...new Set(all)];
}

export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
