/** The metadata of a call out: what the call being served brought, as far as it concerns others, and what is given for this one. */
import { isMetadataValue } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { eachHeader, ownHeaders } from "../lazy-headers.ts";

/** Says something of one connection, of the browser that made it, or of one hop by Kratos' naming: not carried on. */
const notCarried =
  /^(:|accept|connect(ion)?-?|content-|grpc-|if-|proxy-|sec-|x-md-local-|(cookie|expect|host|http2-settings|keep-alive|micro-from-service|origin|range|referer|te|timeout|trailer|transfer-encoding|upgrade|user-agent|x-content-type)$)/;

/** What gRPC allows in a key. */
const sendableKey = /^[\w.-]+$/;

/** Of calls that bring none of their own the same object each time: what it was turned into may be kept. */
export type MetadataOf = (
  carried: Headers | undefined,
  given: Readonly<Record<string, unknown>> | undefined,
) => Headers;

export function createMetadata(from: string): MetadataOf {
  let plain: Headers | undefined;
  return (carried, given) => {
    if (given !== undefined || (carried !== undefined && !isEmpty(carried)))
      return metadataOf(carried, given ?? {}, from);
    plain ??= metadataOf(undefined, {}, from);
    return plain;
  };
}

function isEmpty(headers: Headers): boolean {
  let empty = true;
  eachHeader(headers, () => {
    empty = false;
  });
  return empty;
}

/**
 * @param carried of the call being served: what cannot be sent is left out
 * @param given undefined values are left out
 * @throws MicrorunError `invalid_argument` for a given key or value that cannot be sent
 */
function metadataOf(
  carried: Headers | undefined,
  given: Readonly<Record<string, unknown>>,
  from: string,
): Headers {
  const metadata = ownHeaders();
  if (carried !== undefined)
    eachHeader(carried, (key, value) => {
      if (!notCarried.test(key) && sendableKey.test(key) && isMetadataValue(key, value))
        metadata.set(key, value);
    });
  for (const [key, value] of Object.entries(given)) if (value !== undefined) add(metadata, key, value);
  add(metadata, "micro-from-service", from);
  return metadata;
}

function add(metadata: Headers, key: string, value: unknown): void {
  const refuse = (why: string, hint: string): never => {
    throw new MicrorunError("invalid_argument", `metadata ${JSON.stringify(key)}: ${why}`, { hint });
  };
  if (!sendableKey.test(key)) refuse("not a name", "use letters, digits, dots, dashes and underscores");
  if (value === null || typeof value === "object" || typeof value === "function")
    refuse("its value is no text", "write it as a string");
  const text = String(value);
  if (isMetadataValue(key.toLowerCase(), text)) metadata.set(key, text);
  else if (/-bin$/i.test(key)) refuse("its value is not base64", "write it in base64");
  else refuse("its value is not printable ASCII", `send it as ${key}-bin, in base64`);
}
