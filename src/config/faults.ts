/** What is wrong with each source now, and the log lines that say when it began, changed and ended. */
import type { Code, MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";

/** Whose faults they are. */
export interface Culprit {
  readonly name: string;
  /** What log lines begin with. @default `config source` and its name */
  readonly title?: string;
  /** As long as it has given nothing, its absence is nothing to warn of. @default false */
  readonly optional?: boolean;
}

/** A source that is not there, may not be read, or has no cluster to be in. */
const absences: readonly Code[] = [
  "not_found",
  "permission_denied",
  "unauthenticated",
  "failed_precondition",
];

/** A fault that a source which need not be there may have. */
export function isAbsence({ code }: MicrorunError): boolean {
  return absences.includes(code);
}

export interface Faults {
  /** From now on this is wrong; undefined: all is well. */
  set(culprit: Culprit, fault: MicrorunError | undefined): void;
  of(culprit: Culprit): MicrorunError | undefined;
  readonly all: readonly { readonly source: string; readonly fault: MicrorunError }[];
  /** Logs what changed since the last time: one line for each culprit, however often it changed. */
  log(): void;
}

/**
 * @param order whose faults are listed first
 * @param isHeld whether values of it hold
 */
export function trackFaults(
  order: readonly Culprit[],
  log: Log,
  isHeld: (culprit: Culprit) => boolean = () => false,
): Faults {
  const standing = new Map<Culprit, MicrorunError>();
  const logged = new Map<Culprit, { readonly message: string; readonly warned: boolean }>();
  return {
    set(culprit, fault) {
      if (fault === undefined) standing.delete(culprit);
      else standing.set(culprit, fault);
    },
    of: (culprit) => standing.get(culprit),
    get all() {
      return order.flatMap((culprit) => {
        const fault = standing.get(culprit);
        return fault === undefined ? [] : [{ source: culprit.name, fault }];
      });
    },
    log() {
      for (const culprit of order) {
        const fault = standing.get(culprit);
        const before = logged.get(culprit);
        if (fault?.message === before?.message) continue;
        const title = culprit.title ?? `config source ${culprit.name}`;
        if (fault === undefined) {
          logged.delete(culprit);
          // whoever was told that it began is told that it is over
          const told = before?.warned ? log.warn : log.debug;
          told(`${title}: all is well again`);
        } else {
          const unsaid = culprit.optional && isAbsence(fault) && !isHeld(culprit);
          logged.set(culprit, { message: fault.message, warned: !unsaid || before?.warned === true });
          const told = unsaid ? log.debug : log.warn;
          told(`${title}: ${fault.message}`, hintOf(fault));
        }
      }
    },
  };
}

function hintOf({ hint }: MicrorunError): Record<string, string> {
  return hint === undefined ? {} : { hint };
}
