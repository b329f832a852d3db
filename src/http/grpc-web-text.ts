/** The base64 of application/grpc-web-text: pieces, each padded by itself, cut anywhere on the way. */
import { MicrorunError } from "../errors.ts";
import { headBytes } from "./envelope.ts";

export function toText(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Buffer.from(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64"), "latin1");
}

/** How long the text of an envelope may be, its head padded by itself. */
export function textBytes(messageBytes: number): number {
  return 4 * (Math.ceil(headBytes / 3) + Math.ceil(messageBytes / 3));
}

/** @throws MicrorunError `invalid_argument` */
export function fromText(bytes: Uint8Array): Buffer {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  const out = Buffer.allocUnsafe(3 * Math.ceil(text.length / 4));
  let length = 0;
  for (let start = 0; start < text.length; ) {
    const padding = text.indexOf("=", start);
    const end = padding < 0 ? text.length : start + 4 * Math.ceil((padding + 1 - start) / 4);
    const piece = text.slice(start, end);
    const [, digits] = /^([^=]*)={0,2}$/.exec(piece) ?? [];
    const written = out.write(piece, length, "base64");
    // what is none of its digits is left out in silence
    if (digits === undefined || piece.length % 4 > 0 || written !== Math.floor((digits.length * 3) / 4))
      throw notBase64();
    length += written;
    start = end;
  }
  return out.subarray(0, length);
}

/** The same of a body as it comes. */
export function fromTextStream(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  let rest = Buffer.alloc(0);
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        const all = Buffer.concat([rest, chunk]);
        const whole = all.length - (all.length % 4);
        rest = all.subarray(whole);
        if (whole > 0) controller.enqueue(fromText(all.subarray(0, whole)));
      },
      flush() {
        if (rest.length > 0) throw notBase64();
      },
    }),
  );
}

function notBase64(): MicrorunError {
  return new MicrorunError("invalid_argument", "request body: not base64, as its content type says");
}
