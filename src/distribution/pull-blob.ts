/** One blob from a registry to the cache: gone on with where the connection broke off, checked at the end. */
import { MicrorunError } from "../errors.ts";
import type { Descriptor } from "../oci.ts";
import type { BlobCache, BlobWriter } from "./blob-cache.ts";
import { bodyChunks } from "./body.ts";
import { outcomeOf, type Session } from "./session.ts";

/** @returns the path of the file */
export async function pullBlob(
  session: Session,
  descriptor: Descriptor,
  cache: BlobCache,
  told: (done: number) => void,
): Promise<string> {
  const { digest, size } = descriptor;
  const there = await cache.find(digest);
  if (there !== undefined && Bun.file(there).size === size) return there;
  await using file = await cache.write(digest);
  const patience = session.patience();
  while (file.length < size || size === 0) {
    const before = file.length;
    const outcome = await outcomeOf(receive(session, descriptor, file, told));
    if (outcome instanceof Response && outcome.ok) {
      if (file.length >= size) break;
    }
    if (file.length > before) patience.progress();
    // an answer that ends early and well is a connection that broke off behind a proxy
    const passing = outcome instanceof Response && outcome.ok ? brokenOff(digest) : outcome;
    if (await patience.wait(passing)) continue;
    throw passing instanceof Response ? await session.refused(passing, `blob ${digest}`) : passing;
  }
  const path = await file.done();
  if (path === undefined) throw notTheSame(digest, "other bytes came");
  return path;
}

async function receive(
  session: Session,
  { digest, size }: Descriptor,
  file: BlobWriter,
  told: (done: number) => void,
): Promise<Response> {
  const from = file.length;
  const headers: Record<string, string> = from === 0 ? {} : { range: `bytes=${from}-${size - 1}` };
  const response = await session.request({ path: `blobs/${digest}`, headers });
  if (!response.ok) return response;
  const goesOn =
    response.status === 206 && response.headers.get("content-range")?.startsWith(`bytes ${from}-`);
  if (from > 0 && !goesOn) await file.reset();
  for await (const chunk of bodyChunks(response)) {
    if (file.length + chunk.length > size) throw notTheSame(digest, `more than its ${size} bytes came`);
    await file.append(chunk);
    told(file.length);
  }
  return response;
}

function brokenOff(digest: string): MicrorunError {
  return new MicrorunError("unavailable", `blob ${digest}: it ended early`, { reason: "DROPPED" });
}

function notTheSame(digest: string, why: string): MicrorunError {
  return new MicrorunError("data_loss", `blob ${digest}: ${why}`, {
    hint: "try again; if it stays so, ask who keeps the registry or the proxy on the way",
  });
}
