/** What is said of an image that was made. */
import { type Reference, referenceText } from "../image-reference.ts";

interface Sizes {
  readonly base: number;
  readonly runtime: number;
  readonly app: number;
}

interface Shipment {
  readonly sizes: Sizes;
  readonly pushed: readonly {
    readonly reference: Reference;
    readonly sentBytes: number;
    readonly present: number;
    readonly mounted: number;
  }[];
}

/** @param output where it was written; undefined: it was pushed */
export function shipmentText({ sizes, pushed }: Shipment, output: string | undefined): string {
  const parts = Object.entries(sizes).map(([name, bytes]) => `${name} ${sizeText(bytes)}`);
  const written = output === undefined ? [] : [`wrote ${output}`];
  const sent = pushed.map(({ reference: { registry, repository }, sentBytes, present, mounted }) => {
    const there = present + mounted === 0 ? "" : `, ${present + mounted} contents were there`;
    return `pushed to ${registry}/${repository}: ${sizeText(sentBytes)} sent${there}`;
  });
  return [`layers: ${parts.join(", ")}`, ...written, ...sent].map((line) => `${line}\n`).join("");
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
