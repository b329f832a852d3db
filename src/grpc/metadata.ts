/** Metadata between a call and the wire: what of HTTP/2's header fields handlers see, and what of theirs is sent. */
import { isMetadataValue } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { eachHeader, type FieldSource, lazyHeaders } from "../lazy-headers.ts";

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
  return lazyHeaders(fields, visible);
}

const visible: FieldSource<Fields> = {
  get(fields, name) {
    const value = fields[name];
    return value === undefined || internal.test(name) ? null : textOf(name, value);
  },
  each(fields, tell) {
    for (const name in fields) {
      const value = fields[name];
      if (value !== undefined && !internal.test(name)) tell(name, textOf(name, value));
    }
  },
};

/** The same, added to what is there. */
export function addVisible(fields: Fields, into: Headers): void {
  visible.each(fields, (name, value) => into.set(name, value));
}

function textOf(key: string, value: string | readonly string[]): string {
  if (key.endsWith("-bin")) return String(value).replaceAll(/\s*,\s*/g, ",");
  return typeof value === "string" ? value : value.join(", ");
}

/**
 * What is sent of metadata, names and values in turn. A binary field that has several values is sent several times: not every
 * peer splits one.
 * @throws MicrorunError `invalid_argument` for a value that gRPC cannot carry
 */
export function writeFields(headers: Headers): string[] {
  const fields: string[] = [];
  eachHeader(headers, (name, value) => {
    if (internal.test(name)) return;
    if (!isMetadataValue("", value)) {
      throw new MicrorunError("invalid_argument", `metadata ${name}: its value is not printable ASCII`, {
        hint: `send it as ${name}-bin, in base64`,
      });
    }
    if (name.endsWith("-bin") && value.includes(","))
      for (const one of value.split(",")) fields.push(name, one.trim());
    else fields.push(name, value);
  });
  return fields;
}
