/** How long a caller waits: gRPC's `grpc-timeout` (8 digits and a unit) and Go Micro's `timeout` (nanoseconds); the smaller holds. */
import { readGrpcTimeout, timeoutUnits } from "../grpc-fields.ts";

/**
 * In ms; undefined: no deadline.
 * @throws MicrorunError `internal` for a malformed `grpc-timeout`, as the protocol wants; a malformed `timeout` is ignored
 */
export function readTimeout(
  grpcTimeout: string | undefined,
  nanoseconds: string | undefined,
): number | undefined {
  let least = grpcTimeout === undefined ? Number.POSITIVE_INFINITY : readGrpcTimeout(grpcTimeout);
  if (nanoseconds !== undefined && /^\d{1,19}$/.test(nanoseconds) && !/^0+$/.test(nanoseconds))
    least = Math.min(least, Number(nanoseconds) / 1e6);
  return Number.isFinite(least) ? least : undefined;
}

/** Go Micro's header. */
export function microTimeout(ms: number): string {
  return `${Math.max(1, Math.ceil(ms))}000000`;
}

const maxTimeoutDigits = 99_999_999;

/** gRPC's header, in the finest unit that holds it; never less than is left, never nothing. */
export function grpcTimeout(ms: number): string {
  for (const unit of ["m", "S", "M"] as const) {
    const count = Math.max(1, Math.ceil(ms / (timeoutUnits[unit] ?? 1)));
    if (count <= maxTimeoutDigits) return `${count}${unit}`;
  }
  return `${Math.min(maxTimeoutDigits, Math.ceil(ms / (timeoutUnits.H ?? 1)))}H`;
}
