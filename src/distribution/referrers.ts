/** The list of what refers to an image, kept for registries that keep none: an index tagged `sha256-<hex>`. */
import { type Descriptor, jsonContent, mediaTypes } from "../oci.ts";
import { readBounded } from "./body.ts";
import { type Manifest, maxManifestBytes, parseManifest } from "./manifest.ts";
import type { Session } from "./session.ts";

/** The bounds of the distribution specification on the two halves of such a tag. */
const maxAlgorithm = 32;
const maxEncoded = 64;

/**
 * @param sent the answer to the manifest, undefined if it was there before
 * @returns bytes sent
 */
export async function addReferrer(
  session: Session,
  subject: Descriptor,
  referrer: Descriptor,
  sent: Response | undefined,
): Promise<number> {
  if (await keepsReferrers(session, subject, sent)) return 0;
  const path = `manifests/${fallbackTag(subject.digest)}`;
  const found = await session.patiently({ path, headers: { accept: mediaTypes.index } });
  if (!found.ok && found.status !== 404) throw await session.refused(found);
  const had = found.ok ? parseManifest(await readBounded(found, maxManifestBytes), path) : undefined;
  const list = merged(had, referrer);
  if (list === undefined) return 0;
  const { blob } = jsonContent(mediaTypes.index, list);
  const body = new Uint8Array(await blob.arrayBuffer());
  const headers = { "content-type": mediaTypes.index };
  const response = await session.patiently({ method: "PUT", path, headers, body });
  if (!response.ok) throw await session.refused(response, "list of referrers");
  return body.length;
}

async function keepsReferrers(
  session: Session,
  { digest }: Descriptor,
  sent: Response | undefined,
): Promise<boolean> {
  if (sent !== undefined) return sent.headers.has("oci-subject");
  const response = await session.patiently({
    path: `referrers/${digest}`,
    headers: { accept: mediaTypes.index },
  });
  response.body?.cancel().catch(() => {});
  return response.ok;
}

export function fallbackTag(digest: string): string {
  const [algorithm = "", encoded = ""] = digest.split(":");
  return `${algorithm.slice(0, maxAlgorithm)}-${encoded.slice(0, maxEncoded)}`;
}

/** @returns undefined: it is in the list */
export function merged(list: Manifest | undefined, referrer: Descriptor): object | undefined {
  const manifests = list?.manifests ?? [];
  if (manifests.some(({ digest }) => digest === referrer.digest)) return undefined;
  return { schemaVersion: 2, mediaType: mediaTypes.index, ...list, manifests: [...manifests, referrer] };
}
