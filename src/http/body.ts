/** The bytes of a request: bounded in size and in time, gunzipped where they are compressed. */
import { promisify } from "node:util";
import { gunzip as gunzipWithCallback, gzip as gzipWithCallback } from "node:zlib";
import { MicrorunError } from "../errors.ts";
import { incomingBody } from "../lazy-request.ts";
import { within } from "../wait.ts";

/** How long a body may take to arrive, in ms. */
const maxBodyMs = 120_000;

/** Replies smaller than this are not worth compressing, in bytes. */
const minGzipBytes = 16_384;

const gunzipAsync = promisify(gunzipWithCallback);
const gzipAsync = promisify<Uint8Array, { level: number }, Uint8Array>(gzipWithCallback);

/** The body of a request where it has come along with the head, and is no larger. */
export function wholeBody(request: Request, maxBytes: number): Uint8Array | undefined {
  const whole = incomingBody(request)?.whole;
  return whole !== undefined && whole.length <= maxBytes ? whole : undefined;
}

/**
 * @param bodyBytes how much it may be with what is around the message
 * @throws MicrorunError `resource_exhausted` when it is larger, `cancelled` when the caller leaves meanwhile
 */
export async function readBody(
  request: Request,
  maxBytes: number,
  bodyBytes: number = maxBytes,
): Promise<Uint8Array> {
  const length = request.headers.get("content-length");
  if (length !== null && Number(length) > bodyBytes) throw tooLarge("request", maxBytes);
  const incoming = incomingBody(request);
  try {
    const body =
      incoming?.collect(bodyBytes) ??
      (length === null ? collect(request.body, bodyBytes) : buffered(request));
    const bytes = await within(maxBodyMs, "request body", body);
    if (bytes === undefined) throw tooLarge("request", maxBytes);
    return bytes;
  } catch (error) {
    throw error instanceof MicrorunError ? error : cutOff(error);
  }
}

export function isPlain(encoding: string | null): boolean {
  return encoding === null || encoding === "" || encoding === "identity";
}

/** @throws MicrorunError `unimplemented` for an encoding that is not gzip, `resource_exhausted` when it unpacks to more */
export async function decompress(
  bytes: Uint8Array,
  encoding: string | null,
  maxBytes: number,
): Promise<Uint8Array> {
  if (isPlain(encoding)) return bytes;
  // its older name (RFC 9110 §8.4.1.3)
  if (encoding !== "gzip" && encoding !== "x-gzip")
    throw new MicrorunError("unimplemented", `compression ${encoding}: only gzip and identity are supported`);
  try {
    return await gunzipAsync(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge("request", maxBytes);
    throw new MicrorunError("invalid_argument", "request body: not gzip as its encoding says", {
      cause: error,
    });
  }
}

/** The caller takes gzip, and it is worth it. */
export function mayCompress(bytes: Uint8Array, accepted: string | null): boolean {
  if (bytes.length < minGzipBytes || accepted === null) return false;
  return /(^|[\s,])gzip(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(accepted);
}

export async function compress(bytes: Uint8Array): Promise<Uint8Array> {
  return await gzipAsync(bytes, { level: 1 });
}

export function tooLarge(what: string, maxBytes: number): MicrorunError {
  return new MicrorunError("resource_exhausted", `${what}: larger than ${maxBytes} bytes`, {
    hint: "raise --max_message_bytes, or send less at once",
  });
}

/** The connection broke while the body was coming. */
export function cutOff(cause: unknown): MicrorunError {
  return new MicrorunError("cancelled", "request body: cut off", { cause });
}

async function buffered(request: Request): Promise<Uint8Array> {
  return new Uint8Array(await request.arrayBuffer());
}

/** Undefined: it is larger. */
async function collect(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(chunks, length);
    length += value.length;
    // not cancelled: node:http would cut the connection before the answer is out
    if (length > maxBytes) return undefined;
    chunks.push(value);
  }
}
