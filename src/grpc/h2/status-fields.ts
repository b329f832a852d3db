/** How a call ends, as header fields that its caller takes: whatever else must go, the status arrives. */
import { encodeText } from "../../grpc-fields.ts";
import { type Fields as FlatFields, listBytes } from "../../h2/h2.ts";
import { detailsField, type Status, shortMessage } from "../status.ts";

/** A message that would be shorter than this counts more than trailers. */
const minMessageBytes = 512;

/**
 * First the details go, then the end of the message.
 * @param maxBytes as `listBytes` counts
 * @returns undefined: not with this trailer, which is to go next
 */
export function statusFields(
  { code, message, details }: Status,
  trailer: FlatFields,
  maxBytes: number,
): FlatFields | undefined {
  const status = code === 0 ? [] : ["grpc-status", String(code)];
  const said = code === 0 || message === "" ? [] : ["grpc-message", encodeText(message)];
  const more = details === undefined ? [] : [detailsField, Buffer.from(details).toString("base64")];
  const whole = [...status, ...said, ...more, ...trailer];
  if (listBytes(whole) <= maxBytes) return whole;
  const plain = [...status, ...said, ...trailer];
  if (listBytes(plain) <= maxBytes) return plain;
  const room = maxBytes - listBytes([...status, "grpc-message", "", ...trailer]);
  if (trailer.length > 0) {
    if (said.length === 0 || room < minMessageBytes) return undefined;
  } else if (said.length === 0 || room <= 0) return status;
  return [...status, "grpc-message", encodeText(shortMessage(message, room)), ...trailer];
}
