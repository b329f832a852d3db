/** The details of an error as google.rpc has them (error_details.proto): ErrorInfo, BadRequest, RetryInfo, in protobuf's bytes. */
import { codes, type MicrorunError } from "./errors.ts";

export interface ErrorDetail {
  /** `google.rpc.ErrorInfo` */
  readonly type: string;
  readonly value: Uint8Array;
  /** The same as JSON. */
  readonly json: object;
}

/** None, where the error says no more than its message. */
export function errorDetails({
  reason,
  details,
  violations,
  retryMs,
}: MicrorunError): readonly ErrorDetail[] {
  const all: ErrorDetail[] = [];
  if (reason !== undefined || details !== undefined) {
    const json = {
      ...(reason === undefined ? {} : { reason }),
      ...(details === undefined ? {} : { metadata: details }),
    };
    all.push({ type: "google.rpc.ErrorInfo", value: errorInfo(reason, details), json });
  }
  if (violations !== undefined) {
    // BadRequest{field_violations=1 {field=1, description=2}}
    const value = violations.map((one) =>
      bytes(1, Buffer.concat([bytes(1, one.field), bytes(2, one.description)])),
    );
    const json = { fieldViolations: violations.map(({ field, description }) => ({ field, description })) };
    all.push({ type: "google.rpc.BadRequest", value: Buffer.concat(value), json });
  }
  if (retryMs !== undefined) {
    // RetryInfo{retry_delay=1 Duration{seconds=1, nanos=2}}
    const ms = Math.ceil(retryMs);
    const seconds = Math.floor(ms / 1000);
    const value = bytes(1, Buffer.concat([number(1, seconds), number(2, (ms % 1000) * 1e6)]));
    all.push({ type: "google.rpc.RetryInfo", value, json: { retryDelay: `${ms / 1000}s` } });
  }
  return all;
}

/** The error whole, as `grpc-status-details-bin` carries it. Empty, where it says no more than its message. */
export function richDetails(error: MicrorunError, message: string = error.message): Uint8Array {
  const all = errorDetails(error);
  return all.length === 0 ? new Uint8Array() : statusBytes(codes[error.code], message, all);
}

/** google.rpc.Status{code=1, message=2, details=3 Any{type_url=1, value=2}} */
export function statusBytes(
  code: number,
  message: string,
  details: readonly Pick<ErrorDetail, "type" | "value">[],
): Uint8Array {
  const all = details.map(({ type, value }) =>
    bytes(3, Buffer.concat([bytes(1, `type.googleapis.com/${type}`), bytes(2, value)])),
  );
  return Buffer.concat([number(1, code), bytes(2, message), ...all]);
}

/** ErrorInfo{reason=1, domain=2, metadata=3 map} */
function errorInfo(reason: string | undefined, details: MicrorunError["details"]): Buffer {
  const entries = Object.entries(details ?? {}).map(([key, value]) =>
    bytes(3, Buffer.concat([bytes(1, key), bytes(2, value)])),
  );
  return Buffer.concat([...(reason === undefined ? [] : [bytes(1, reason)]), ...entries]);
}

/** A length-delimited field. */
function bytes(field: number, content: string | Uint8Array): Buffer {
  const own = Buffer.from(content as string);
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(own.length)]), own]);
}

/** None, where it is 0. */
function number(field: number, value: number): Buffer {
  return Buffer.from(value === 0 ? [] : [field << 3, ...varint(value)]);
}

function varint(value: number): number[] {
  const own: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...own, rest];
    own.push((rest % 128) | 0x80);
  }
}
