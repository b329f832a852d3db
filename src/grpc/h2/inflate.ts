/** Compressed messages, unpacked, and packed: gzip both ways, deflate in. */
import { gunzipSync, gzipSync, inflateSync } from "node:zlib";
import { errorText, MicrorunError } from "../../errors.ts";

/** What we can unpack, for `grpc-accept-encoding`. */
export const acceptedEncodings = "identity,deflate,gzip";

/** A smaller message is not worth its packing. */
export const minGzipBytes = 1024;

/** The message, or why it cannot be read. @param flag of the message, not 0 */
export function inflate(
  message: Uint8Array,
  flag: number,
  encoding: string | undefined,
  maxMessageBytes: number,
): Uint8Array | MicrorunError {
  if (flag !== 1) return new MicrorunError("internal", `unexpected payload format ${flag}`);
  if (encoding === undefined || encoding === "identity") {
    const why = "a message is flagged as compressed, but no grpc-encoding was named";
    return new MicrorunError("internal", why);
  }
  const unpack = encoding === "gzip" ? gunzipSync : encoding === "deflate" ? inflateSync : undefined;
  if (unpack === undefined) {
    const why = `a message is compressed by an encoding that is not known: ${encoding}`;
    return new MicrorunError("unimplemented", why);
  }
  try {
    return unpack(message, { maxOutputLength: maxMessageBytes });
  } catch (error) {
    if ((error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") {
      const why = `received message that unpacks to more than ${maxMessageBytes} bytes`;
      return new MicrorunError("resource_exhausted", why);
    }
    return new MicrorunError("internal", `a message cannot be unpacked: ${errorText(error)}`);
  }
}

export function deflate(message: Uint8Array): Uint8Array {
  return gzipSync(message);
}
