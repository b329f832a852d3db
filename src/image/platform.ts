/** The platforms that images are made for. */
import { didYouMean, usageError } from "../errors.ts";
import { type Platform, platformText } from "../oci.ts";

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
