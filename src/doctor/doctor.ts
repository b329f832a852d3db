/** What an examination is made of: checks, each of which tells what it found and what to do about it. */
import { MicrorunError } from "../errors.ts";

export type Status = "ok" | "warn" | "fail";

/** One thing that was looked at. */
export interface Finding {
  readonly status: Status;
  /** What was found, without the check's name. */
  readonly what: string;
  /** An order. Absent where all is well. */
  readonly todo?: string;
  /** What `todo` speaks of: objects to apply, or a part of a Pod's description. */
  readonly yaml?: string;
}

export interface Check {
  /** Two words at most: it stands before each of its findings. */
  readonly name: string;
  /** None: it has no meaning here. What it throws is a finding, too. */
  run(signal: AbortSignal): Promise<readonly Finding[]>;
}

export interface CheckedFinding extends Finding {
  readonly check: string;
}

export function ok(what: string): Finding {
  return { status: "ok", what };
}

export function warn(what: string, todo: string, yaml?: string): Finding {
  return { status: "warn", what, todo, ...(yaml === undefined ? {} : { yaml }) };
}

export function fail(what: string, todo: string, yaml?: string): Finding {
  return { ...warn(what, todo, yaml), status: "fail" };
}

/** Its message, and its hint as what to do. */
export function failure(error: unknown, status: "warn" | "fail" = "fail"): Finding {
  const told = error instanceof MicrorunError ? error : undefined;
  const what = told?.message ?? (error instanceof Error ? error.message : String(error));
  return { status, what, ...(told?.hint === undefined ? {} : { todo: told.hint }) };
}
