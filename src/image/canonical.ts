/** Parts of a document that is known by its digest, the same from whatever they came. */
import type { Descriptor } from "../oci.ts";

/** What a parent's list says of a child: no more than the three that it needs. */
export function reference({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

/** As Go's tools write maps. */
export function sorted(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([one], [other]) => (one < other ? -1 : 1)));
}
