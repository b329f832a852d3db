/** What gRPC writes into header fields, and gRPC-Web likewise: how long a caller waits, the text of an error. */
import { MicrorunError } from "./errors.ts";

/** What a unit of `grpc-timeout` is, in ms. */
export const timeoutUnits: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/**
 * `grpc-timeout`, 8 digits and a unit, in ms.
 * @throws MicrorunError `internal` when it is malformed, as the protocol wants
 */
export function readGrpcTimeout(text: string): number {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined)
    throw new MicrorunError("internal", `malformed grpc-timeout: ${text}`);
  return Number(digits) * (timeoutUnits[unit] ?? 1);
}

/** As gRPC has `grpc-message`: percent-encoded UTF-8. */
export function encodeText(text: string): string {
  return text.replaceAll(/[^ -$&-~]+/g, (part) =>
    [...Buffer.from(part)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
}

/** What is no percent-encoding stays as it is. */
export function decodeText(text: string): string {
  if (!text.includes("%")) return Buffer.from(text, "latin1").toString();
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const [, hex] = /^%([\da-f]{2})/i.exec(text.slice(i, i + 3)) ?? [];
    bytes.push(hex === undefined ? text.charCodeAt(i) : Number.parseInt(hex, 16));
    if (hex !== undefined) i += 2;
  }
  return Buffer.from(bytes).toString();
}
