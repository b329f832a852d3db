/** The envelopes of Connect and gRPC-Web: a byte of flags, the length in four, the message. */
import { MicrorunError } from "../errors.ts";
import { cutOff, decompress, tooLarge } from "./body.ts";
import type { ConnectError } from "./connect-error.ts";
import type { Lifetime } from "./lifetime.ts";

/** How a request's messages are packed, those that are. */
export interface Packing {
  /** The field that says it. */
  readonly field: string;
  readonly encoding: string | null;
}

export function packingOf(headers: Headers, field: string): Packing {
  return { field, encoding: headers.get(field) };
}

export const headBytes = 5;
const compressedFlag = 1;
const endFlag = 2;

export function envelope(message: Uint8Array, flags = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(headBytes + message.length);
  bytes[0] = flags;
  new DataView(bytes.buffer).setUint32(1, message.length);
  bytes.set(message, headBytes);
  return bytes;
}

/** EndStreamResponse: how it ended, and the trailers. */
export function endStream(
  error: ConnectError | undefined,
  trailer: Headers | undefined,
): Uint8Array<ArrayBuffer> {
  const metadata: Record<string, string[]> = {};
  for (const [key, value] of trailer ?? []) metadata[key] = [...(metadata[key] ?? []), value];
  const end = { ...(error === undefined ? {} : { error }), ...(trailer === undefined ? {} : { metadata }) };
  return envelope(new TextEncoder().encode(JSON.stringify(end)), endFlag);
}

/**
 * The messages of a body, unpacked.
 * @throws MicrorunError `invalid_argument` for what is no envelope, `internal` for a packed one of no encoding,
 *   `resource_exhausted` for a message that is too large
 */
export async function* readEnvelopes(
  body: ReadableStream<Uint8Array> | null,
  packing: Packing,
  maxBytes: number,
  lifetime: Lifetime,
): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  let buffered: Buffer = Buffer.alloc(0);

  /** Undefined: the body ended before the first of these bytes. */
  const take = async (count: number): Promise<Buffer | undefined> => {
    const chunks = [buffered];
    let length = buffered.length;
    while (length < count) {
      const chunk = await lifetime.during(async () => reader?.read()).catch(broken);
      if (chunk?.value === undefined) {
        if (length === 0) return undefined;
        throw endsInside();
      }
      chunks.push(Buffer.from(chunk.value));
      length += chunk.value.length;
    }
    const all = chunks.length === 1 ? buffered : Buffer.concat(chunks, length);
    buffered = all.subarray(count);
    return all.subarray(0, count);
  };

  for (let head = await take(headBytes); head !== undefined; head = await take(headBytes)) {
    const { length, packed } = readHead(head, packing, maxBytes);
    const message = await take(length);
    if (message === undefined) throw endsInside();
    yield packed ? await decompress(message, packing.encoding, maxBytes) : message;
  }
}

/**
 * The message of a body that is one envelope, unpacked; a promise where it is packed.
 * @throws MicrorunError as `readEnvelopes`, `unimplemented` when there is none, or more than one
 */
export function readEnvelope(
  body: Uint8Array,
  packing: Packing,
  maxBytes: number,
): Uint8Array | Promise<Uint8Array> {
  if (body.length === 0) throw noMessage();
  if (body.length < headBytes) throw endsInside();
  const { length, packed } = readHead(body, packing, maxBytes);
  if (body.length < headBytes + length) throw endsInside();
  if (body.length > headBytes + length) throw severalMessages();
  const message = body.subarray(headBytes);
  return packed ? decompress(message, packing.encoding, maxBytes) : message;
}

function readHead(
  head: Uint8Array,
  { field, encoding }: Packing,
  maxBytes: number,
): { length: number; packed: boolean } {
  const flags = head[0]!;
  const length = new DataView(head.buffer, head.byteOffset).getUint32(1);
  const packed = (flags & compressedFlag) !== 0;
  if (flags & ~compressedFlag)
    throw new MicrorunError("invalid_argument", `envelope: unknown flags ${flags}`);
  if (packed && (encoding ?? "identity") === "identity")
    throw new MicrorunError("internal", `envelope: compressed, but no ${field} says how`);
  if (length > maxBytes) throw tooLarge("request", maxBytes);
  return { length, packed };
}

export function noMessage(): MicrorunError {
  return new MicrorunError("unimplemented", "request body: no message, where one is expected");
}

export function severalMessages(): MicrorunError {
  return new MicrorunError("unimplemented", "request body: more than one message, where one is expected");
}

function endsInside(): MicrorunError {
  return new MicrorunError("invalid_argument", "request body: ends inside an envelope");
}

function broken(error: unknown): never {
  throw error instanceof MicrorunError ? error : cutOff(error);
}
