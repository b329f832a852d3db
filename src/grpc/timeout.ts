/** How long a caller waits: gRPC's `grpc-timeout` (8 digits and a unit) and Go Micro's `timeout` (nanoseconds); the smaller holds. */
import { MicrorunError } from "../errors.ts";

const unitMs: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/**
 * In ms; undefined: no deadline.
 * @throws MicrorunError `internal` for a malformed `grpc-timeout`, as the protocol wants; a malformed `timeout` is ignored
 */
export function readTimeout(
  grpcTimeout: string | undefined,
  nanoseconds: string | undefined,
): number | undefined {
  let least = Number.POSITIVE_INFINITY;
  if (grpcTimeout !== undefined) {
    const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(grpcTimeout) ?? [];
    if (digits === undefined || unit === undefined)
      throw new MicrorunError("internal", `malformed grpc-timeout: ${grpcTimeout}`);
    least = Number(digits) * (unitMs[unit] ?? 1);
  }
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
    const count = Math.max(1, Math.ceil(ms / (unitMs[unit] ?? 1)));
    if (count <= maxTimeoutDigits) return `${count}${unit}`;
  }
  return `${Math.min(maxTimeoutDigits, Math.ceil(ms / (unitMs.H ?? 1)))}H`;
}
