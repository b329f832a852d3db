/** One blob to a registry: not at all if it is there, by name if another repository has it, else in chunks. */
import { MicrorunError } from "../errors.ts";
import type { Content } from "../oci.ts";
import { isPassing } from "./patience.ts";
import { outcomeOf, type Session } from "./session.ts";
import { at, type Place, placeOf, sendNext, type UploadWatch } from "./upload-chunk.ts";

/** Uploads of one blob that the registry forgets. */
const maxUploads = 4;

export async function uploadBlob(
  session: Session,
  content: Content,
  watch: UploadWatch,
): Promise<"present" | "mounted" | "sent"> {
  const { digest, size } = content.descriptor;
  const patience = session.patience();
  for (let uploads = 1; ; uploads++) {
    // asked anew after an upload that is gone: it may have ended well, and only its answer been lost
    if (await isThere(session, digest)) return uploads === 1 ? "present" : "sent";
    let place = await begin(session, content);
    if (place === undefined) return "mounted";
    for (;;) {
      const outcome = await outcomeOf(sendNext(session, content, place, watch));
      if (outcome instanceof Response && outcome.status === 201) {
        watch.done(size);
        return "sent";
      }
      if (outcome instanceof Response && outcome.status === 202) {
        place = at(outcome, place);
        watch.done(place.offset);
        patience.progress();
        continue;
      }
      const isLost = outcome instanceof Response && (outcome.status === 404 || outcome.status === 416);
      if (!isLost && !(await patience.wait(outcome)))
        throw outcome instanceof Response ? await session.refused(outcome, `blob ${digest}`) : outcome;
      if (outcome instanceof Response) outcome.body?.cancel().catch(() => {});
      const resumed = await resume(session, place);
      if (resumed === undefined || (isLost && resumed.offset === place.offset)) break;
      if (resumed.offset > place.offset) patience.progress();
      place = resumed;
      watch.done(place.offset);
    }
    if (uploads === maxUploads)
      throw new MicrorunError("unavailable", `blob ${digest}: the registry forgets its uploads`, {
        hint: "if several registries answer to that name, let them share their storage",
      });
  }
}

async function isThere(session: Session, digest: string): Promise<boolean> {
  const response = await session.patiently({ method: "HEAD", path: `blobs/${digest}` });
  if (response.ok) return true;
  // the refusal of a HEAD has no words: what follows is refused with them
  if (!isPassing(response)) return false;
  throw await session.refused(response);
}

/** @returns undefined: it was mounted, nothing is to be sent */
async function begin(session: Session, { descriptor, mountFrom }: Content): Promise<Place | undefined> {
  const post = (query: string) => session.patiently({ method: "POST", path: `blobs/uploads/${query}` });
  const wantsMount = mountFrom !== undefined && mountFrom !== session.repository;
  const mount = new URLSearchParams({ mount: descriptor.digest, from: mountFrom ?? "" });
  let response = await post(wantsMount ? `?${mount}` : "");
  if (wantsMount && response.status === 201) return undefined;
  // whoever may not read the other repository may still send
  if (wantsMount && response.status !== 202) response = await post("");
  if (response.status !== 202) throw await session.refused(response);
  return placeOf(response);
}

/** @returns undefined: the registry knows it no more */
async function resume(session: Session, place: Place): Promise<Place | undefined> {
  const response = await session.patiently({ path: place.location });
  if (response.status === 404) return undefined;
  if (response.status !== 204) throw await session.refused(response);
  return at(response, place);
}
