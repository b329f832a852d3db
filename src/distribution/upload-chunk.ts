/** Where an upload is, and its next piece: the whole of a small blob, a chunk of a large one, the end. */
import { MicrorunError } from "../errors.ts";
import type { Content } from "../oci.ts";
import type { Session } from "./session.ts";

/** How much is sent by one request: what is sent again after a break is at most this. */
export const chunkBytes: number = 8 * 1024 * 1024;
/** A registry that wants larger ones is not served, as chunks are held in memory. */
const maxChunkBytes = 128 * 1024 * 1024;

export interface Place {
  /** Where the next piece goes: it changes with every answer. */
  readonly location: URL;
  /** Bytes that the registry has. */
  readonly offset: number;
  /** In bytes. */
  readonly chunk: number;
}

export interface UploadWatch {
  /** Bytes that the registry has of this blob. */
  done(bytes: number): void;
  /** Bytes that went out, again where they had to. */
  sent(bytes: number): void;
}

/** Of a new upload. */
export function placeOf(response: Response): Place {
  const least = Number(response.headers.get("oci-chunk-min-length") ?? 0);
  if (!(least <= maxChunkBytes))
    throw new MicrorunError(
      "unimplemented",
      `the registry wants chunks of ${least} bytes, more than ${maxChunkBytes}`,
    );
  return { location: locationOf(response), offset: 0, chunk: Math.max(least, chunkBytes) };
}

/** Of one that goes on: what the answer says. */
export function at(response: Response, { chunk, location }: Place): Place {
  const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(response.headers.get("range") ?? "") ?? [];
  // `0-0` is what registries say of an empty one, too; one byte alone is sent again then
  const offset = last === undefined || last === "0" ? 0 : Number(last) + 1;
  const hasLocation = response.headers.has("location");
  return { location: hasLocation ? locationOf(response) : location, offset, chunk };
}

function locationOf(response: Response): URL {
  const location = response.headers.get("location");
  if (location === null || !URL.canParse(location, response.url))
    throw new MicrorunError("unavailable", "the registry does not say where to send to");
  return new URL(location, response.url);
}

/** @returns 202 to go on, 201 at the end, or a refusal */
export async function sendNext(
  session: Session,
  { descriptor, blob }: Content,
  { location, offset, chunk }: Place,
  watch: UploadWatch,
): Promise<Response> {
  const { digest, size } = descriptor;
  const isWhole = offset === 0 && size <= chunk;
  const end = Math.min(offset + chunk, size);
  const body = new Uint8Array(await blob.slice(offset, end).arrayBuffer());
  if (body.length !== end - offset)
    throw new MicrorunError("data_loss", `blob ${digest}: it has fewer than its ${size} bytes here`, {
      hint: "leave the files alone while they are sent",
    });
  const type = { "content-type": "application/octet-stream" };
  watch.sent(body.length);
  if (isWhole || offset === size) {
    const url = new URL(location);
    url.searchParams.set("digest", digest);
    return session.request({ method: "PUT", path: url, headers: type, body });
  }
  const headers = { ...type, "content-range": `${offset}-${end - 1}` };
  return session.request({ method: "PATCH", path: location, headers, body });
}
