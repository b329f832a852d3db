/** Platforms as OCI names them. */
import { didYouMean, usageError } from "../errors.ts";
import type { Platform } from "./artifact.ts";

/** Those that an image can be made for. */
const known: readonly Platform[] = [
  { os: "linux", architecture: "amd64" },
  { os: "linux", architecture: "arm64" },
];

/** Node's names of them. */
const architectures: Readonly<Record<string, "x64" | "arm64">> = { amd64: "x64", arm64: "arm64" };

/** What Node and Bun call the architecture. */
export function nodeArch({ architecture }: Platform): "x64" | "arm64" {
  return architectures[architecture]!;
}

/** What a machine can run in containers: `linux`, and its own architecture. */
export function ownPlatform(): Platform {
  return known.find((platform) => nodeArch(platform) === process.arch) ?? known[0]!;
}

export function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
}

/** @throws MicrorunError `invalid_argument` */
export function parsePlatform(text: string): Platform {
  const found = known.find((platform) =>
    matches(platform, text.replace(/^linux\/arm64\/v8$/, "linux/arm64")),
  );
  if (found !== undefined) return found;
  const names = known.map(platformText);
  throw usageError(
    `--platform=${text}: no such platform${didYouMean(text, names)}`,
    `use one or more of ${names.join(", ")}`,
  );
}

function matches(platform: Platform, text: string): boolean {
  return platformText(platform) === text;
}

/** Variants are left out: of arm64 there is but v8, of amd64 the later ones run the first. */
export function samePlatform(one: Platform, other: Platform): boolean {
  return one.os === other.os && one.architecture === other.architecture;
}
