/** Metadata between a call and the wire: what of HTTP/2's header fields handlers see, and what of theirs is sent. */
import { isMetadataValue } from "../call.ts";
import { MicrorunError } from "../errors.ts";

/** Header fields as node:http2 has them. */
export type Fields = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Fields that belong to HTTP/2, to gRPC or to Go Micro's transport, never to handlers. */
const internal =
  /^(:|grpc-|(accept-encoding|connection|content-length|content-type|host|keep-alive|proxy-connection|te|timeout|trailer|transfer-encoding|upgrade|x-content-type)$)/;

/** @throws MicrorunError `internal`, as grpc-go answers it, when a binary value is not base64 */
export function checkFields(fields: Fields): void {
  for (const key in fields) {
    if (!key.endsWith("-bin") || internal.test(key)) continue;
    if (!isMetadataValue(key, String(fields[key] ?? "")))
      throw new MicrorunError("internal", `malformed binary metadata ${key}`);
  }
}

/** What handlers may see. */
export function readFields(fields: Fields): Headers {
  const visible: Record<string, string> = Object.create(null);
  for (const key in fields) {
    const value = fields[key];
    if (value !== undefined && !internal.test(key)) visible[key] = textOf(key, value);
  }
  // at once: a field after another costs twice as much
  return new Headers(visible);
}

/** The same, added to what is there. */
export function addVisible(fields: Fields, into: Headers): void {
  for (const key in fields) {
    const value = fields[key];
    if (value !== undefined && !internal.test(key)) into.set(key, textOf(key, value));
  }
}

function textOf(key: string, value: string | readonly string[]): string {
  if (key.endsWith("-bin")) return String(value).replaceAll(/\s*,\s*/g, ",");
  return typeof value === "string" ? value : value.join(", ");
}

/**
 * Header fields to send.
 * @throws MicrorunError `invalid_argument` for a value that gRPC cannot carry
 */
export function writeFields(headers: Headers): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [key, value] of headers) {
    if (internal.test(key)) continue;
    if (!isMetadataValue("", value)) {
      throw new MicrorunError("invalid_argument", `metadata ${key}: its value is not printable ASCII`, {
        hint: `send it as ${key}-bin, in base64`,
      });
    }
    fields[key] = value;
  }
  return fields;
}
