/** Connect's envelopes: a byte of flags, the length in four, the message. */
import { MicrorunError } from "../errors.ts";
import { cutOff, decompress, tooLarge } from "./body.ts";
import type { ConnectError } from "./connect-error.ts";
import type { Lifetime } from "./lifetime.ts";

const headBytes = 5;
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
 * @throws MicrorunError `invalid_argument` for what is no envelope, `resource_exhausted` for a message that is too large
 */
export async function* readEnvelopes(
  body: ReadableStream<Uint8Array> | null,
  encoding: string | null,
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
        throw new MicrorunError("invalid_argument", "request body: ends inside an envelope");
      }
      chunks.push(Buffer.from(chunk.value));
      length += chunk.value.length;
    }
    const all = chunks.length === 1 ? buffered : Buffer.concat(chunks, length);
    buffered = all.subarray(count);
    return all.subarray(0, count);
  };

  for (let head = await take(headBytes); head !== undefined; head = await take(headBytes)) {
    const flags = head[0]!;
    const length = head.readUInt32BE(1);
    if (flags & ~compressedFlag)
      throw new MicrorunError("invalid_argument", `envelope: unknown flags ${flags}`);
    if (flags & compressedFlag && (encoding ?? "identity") === "identity")
      throw new MicrorunError(
        "invalid_argument",
        "envelope: compressed, but no connect-content-encoding says how",
      );
    if (length > maxBytes) throw tooLarge("request", maxBytes);
    const message = await take(length);
    if (message === undefined)
      throw new MicrorunError("invalid_argument", "request body: ends inside an envelope");
    yield flags & compressedFlag ? await decompress(message, encoding, maxBytes) : message;
  }
}

function broken(error: unknown): never {
  throw error instanceof MicrorunError ? error : cutOff(error);
}
