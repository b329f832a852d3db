/** Writes a Response to a node:http response: whole where it is short, else as it comes, no faster than the caller reads. */
import type { ServerResponse } from "node:http";
import type { Log } from "../log.ts";

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Fields = Record<string, string | string[]>;
type Chunk = Awaited<ReturnType<Reader["read"]>>;

/** Never rejects. A body that fails after its head was sent cuts the connection: the caller must not take it for whole. */
export async function sendResponse(response: Response, outgoing: ServerResponse, log: Log): Promise<void> {
  try {
    // first, as Bun forgets the body's own type once it is looked at
    const fields = fieldsOf(response);
    if (response.body === null || outgoing.req.method === "HEAD") {
      outgoing.writeHead(response.status, fields).end();
      await response.body?.cancel();
    } else await sendBody(response.status, fields, response.body.getReader() as Reader, outgoing);
  } catch (error) {
    if (outgoing.destroyed) return;
    log.error(`${outgoing.req.method} ${outgoing.req.url}: its response failed`, { error });
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(500, { "content-type": "text/plain; charset=utf-8" }).end("internal error\n");
  }
}

async function sendBody(
  status: number,
  fields: Fields,
  reader: Reader,
  outgoing: ServerResponse,
): Promise<void> {
  // ends a read that waits for a quiet stream
  const left = (): void => void reader.cancel().catch(() => {});
  if (outgoing.destroyed) return left();
  outgoing.once("close", left);
  try {
    const reading = reader.read();
    const first = await soon(reading);
    if (first === undefined) {
      outgoing.writeHead(status, fields);
      outgoing.flushHeaders();
      return await pipe(reader, reading, outgoing);
    }
    if (first.value !== undefined) fields["content-type"] ??= typeOf(first.value);
    const next = first.done ? Promise.resolve(first) : reader.read();
    if ((await soon(next))?.done) {
      fields["content-length"] ??= String(first.value?.length ?? 0);
      outgoing.writeHead(status, fields).end(first.value);
      return;
    }
    outgoing.writeHead(status, fields).write(first.value);
    await pipe(reader, next, outgoing);
  } finally {
    outgoing.off("close", left);
  }
}

async function pipe(reader: Reader, reading: Promise<Chunk>, outgoing: ServerResponse): Promise<void> {
  for (let next = await reading; !next.done && !outgoing.destroyed; next = await reader.read()) {
    if (!outgoing.write(next.value)) await writable(outgoing);
  }
  outgoing.end();
}

async function writable(outgoing: ServerResponse): Promise<void> {
  if (outgoing.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  outgoing.once("drain", resolve).once("close", resolve);
  await promise;
  outgoing.off("drain", resolve).off("close", resolve);
}

/** Undefined when it takes longer than a turn of the event loop. */
function soon<T>(promise: Promise<T>): Promise<T | undefined> {
  return Promise.race([promise, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))]);
}

/** Bun does not tell the type of `new Response("text")`; browsers would guess one. */
function typeOf(begin: Uint8Array): string {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(begin, { stream: true });
    return "text/plain;charset=utf-8";
  } catch {
    return "application/octet-stream";
  }
}

function fieldsOf({ headers }: Response): Fields {
  const fields: Fields = Object.fromEntries(headers);
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) fields["set-cookie"] = cookies;
  return fields;
}
