/** The one error class: the 16 gRPC codes by name, a message in the form `what: why`, and a hint that is an order. */
import { closest, distance } from "fastest-levenshtein";

/** gRPC status codes (google/rpc/code.proto): name → number. */
export const codes = {
  cancelled: 1,
  unknown: 2,
  invalid_argument: 3,
  deadline_exceeded: 4,
  not_found: 5,
  already_exists: 6,
  permission_denied: 7,
  resource_exhausted: 8,
  failed_precondition: 9,
  aborted: 10,
  out_of_range: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  data_loss: 15,
  unauthenticated: 16,
} as const;

export type Code = keyof typeof codes;

const names = new Map<number, Code>(Object.entries(codes).map(([name, number]) => [number, name as Code]));

/** The name of a gRPC status number; a number outside the table is `unknown`. */
export function codeName(number: number): Code {
  return names.get(number) ?? "unknown";
}

/** A field of a request that is not as it has to be. */
export interface Violation {
  /** Its path: `address.street`, `items[3].price`, `labels["a"]`. */
  readonly field: string;
  readonly description: string;
}

export interface ErrorOptions {
  /** What to do about it, as an order. Shown to people, never sent to callers. */
  hint?: string;
  /** A constant that names the cause, `UPPER_SNAKE_CASE` (google.rpc.ErrorInfo.reason; Kratos' reason; Go Micro's id). */
  reason?: string;
  /** google.rpc.ErrorInfo.metadata: sent to callers that can read it. */
  details?: Record<string, string>;
  /** What of the request is not as it has to be (google.rpc.BadRequest). */
  violations?: readonly Violation[];
  /** How long to wait before the call is made again, in ms (google.rpc.RetryInfo). */
  retryMs?: number;
  cause?: unknown;
  /** True: the call never reached its callee, so that it may be made again elsewhere. @default false */
  unsent?: boolean;
}

/** An error that a caller may read. Throw it from a handler: `throw new MicrorunError("not_found", "no user 7")`. */
export class MicrorunError extends Error {
  override readonly name = "MicrorunError";
  readonly code: Code;
  readonly hint: string | undefined;
  readonly reason: string | undefined;
  readonly details: Readonly<Record<string, string>> | undefined;
  readonly violations: readonly Violation[] | undefined;
  readonly retryMs: number | undefined;
  readonly unsent: boolean;

  constructor(code: Code, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    if (!Object.hasOwn(codes, code))
      throw new TypeError(`${code}: not a code${didYouMean(code, Object.keys(codes))}`);
    this.code = code;
    this.hint = options.hint;
    this.reason = options.reason;
    this.details = options.details;
    this.violations = options.violations;
    this.retryMs = options.retryMs;
    this.unsent = options.unsent ?? false;
  }

  /** `error` itself when it is a MicrorunError, else `internal`, with the thrown value as its cause. */
  static from(error: unknown): MicrorunError {
    if (error instanceof MicrorunError) return error;
    return new MicrorunError("internal", "internal error", { cause: error });
  }
}

/** Why a signal was aborted: what it says itself, else that the call was cancelled. */
export function abortReason({ reason }: AbortSignal): MicrorunError {
  if (reason instanceof MicrorunError) return reason;
  return new MicrorunError("cancelled", "the call was cancelled", { cause: reason });
}

/** Asked wrongly (exit 2): a flag, a value, a command. */
export function usageError(message: string, hint?: string): MicrorunError {
  return new MicrorunError("invalid_argument", message, hint === undefined ? {} : { hint });
}

/** The text of whatever was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The name meant, if one of `known` is close enough to be a slip of the hand. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const best = closest(name.toLowerCase(), known as string[]);
  const slips = Math.max(2, Math.floor(best.length / 3));
  return distance(name.toLowerCase(), best.toLowerCase()) <= slips ? best : undefined;
}

/** `, did you mean X?` or nothing. */
export function didYouMean(name: string, known: readonly string[]): string {
  const best = nearest(name, known);
  return best === undefined ? "" : `, did you mean ${best}?`;
}
