/** What an OCI layout says of itself: the version of its form, and the images that it lists. */
import { usageError } from "../errors.ts";
import { type Descriptor, type Platform, samePlatform } from "../oci.ts";

/** The most names that a message lists. */
const maxShown = 8;
export const layoutVersion = "1.0.0";

/** containerd's name of an image in a layout, and OCI's: by the specification the tag alone. */
const nameKeys = ["io.containerd.image.name", "org.opencontainers.image.ref.name"] as const;

export function nameAnnotations(name: string): Record<string, string> {
  const [whole, tag] = nameKeys;
  return { [whole]: name, [tag]: name.slice(name.lastIndexOf(":") + 1) };
}

export function namesOf({ annotations }: Descriptor): string[] {
  return nameKeys.flatMap((key) => annotations?.[key] ?? []);
}

interface LayoutTexts {
  /** Of `oci-layout`. */
  readonly version: string | undefined;
  /** Of `index.json`. */
  readonly index: string | undefined;
}

/** @param broken makes the error of what cannot be read */
export function listedImages({ version, index }: LayoutTexts, broken: (why: string) => Error): Descriptor[] {
  const parsed = (text: string, name: string): Record<string, unknown> => {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
    } catch {}
    throw broken(`its ${name} is no JSON object`);
  };
  const found = version === undefined ? layoutVersion : parsed(version, "oci-layout").imageLayoutVersion;
  if (found !== layoutVersion) throw broken(`it is a layout of version ${found}, not of ${layoutVersion}`);
  if (index === undefined) return [];
  const { manifests } = parsed(index, "index.json");
  if (!Array.isArray(manifests) || !manifests.every((one) => typeof one?.digest === "string"))
    throw broken("its index.json lists no images");
  return manifests as Descriptor[];
}

interface Wanted {
  readonly platform: Platform;
  /** A name, a tag or a digest; undefined: the only one. */
  readonly image: string | undefined;
  /** How the layout was named, for people. */
  readonly what: string;
}

/** @returns undefined: none is for the platform @throws MicrorunError `invalid_argument` for a name that none bears, and for several without one */
export function chosenImage(
  listed: readonly Descriptor[],
  { platform, image, what }: Wanted,
): Descriptor | undefined {
  const images = listed.filter(({ artifactType }) => artifactType === undefined);
  const shown = [...new Set(images.map((one) => namesOf(one)[0] ?? one.digest))];
  const meant = images.filter((one) => image === undefined || [...namesOf(one), one.digest].includes(image));
  if (meant.length === 0 && image !== undefined) throw noSuchImage(what, image, shown);
  const fits = meant.filter((one) => one.platform === undefined || samePlatform(one.platform, platform));
  if (new Set(fits.map(({ digest }) => digest)).size > 1) throw severalImages(what, shown);
  return fits[0];
}

/** @param shown the names that there are */
export function noSuchImage(what: string, image: string, shown: readonly string[]): Error {
  return usageError(`--base=${what}: it holds no image ${image}`, `name one of ${list(shown)}`);
}

export function severalImages(what: string, shown: readonly string[]): Error {
  return usageError(
    `--base=${what}: it holds several images: ${list(shown)}`,
    "say which by its tag or name behind a colon: --base=base.tar:1",
  );
}

function list(names: readonly string[]): string {
  const more = names.length > maxShown ? [`${names.length - maxShown} more`] : [];
  return [...names.slice(0, maxShown), ...more].join(", ");
}
