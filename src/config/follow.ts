/** Follows one source: its trees, copied and checked for size, and what is wrong with it. */
import { type Code, errorText, MicrorunError } from "../errors.ts";
import type { ConfigData, ConfigSource } from "./config.ts";
import { ownTree } from "./merge.ts";

export interface Following {
  /** Resolved with the first tree, with a fault that will not pass by itself, and with the end of the source. */
  readonly first: Promise<void>;
  readonly done: Promise<void>;
}

/** How long a first tree may come after a fault that will not pass by itself, ms. */
export const faultGraceMs = 50;

/** What may well be over in a moment: a first tree is still waited for. */
const passing: readonly Code[] = ["unavailable", "deadline_exceeded", "aborted", "cancelled"];

export function passes(fault: MicrorunError): boolean {
  return passing.includes(fault.code);
}

export interface FollowOptions {
  readonly signal: AbortSignal;
  readonly take: (tree: ConfigData) => void;
  readonly tell: (fault: MicrorunError | undefined) => void;
  readonly leaveOut: (entries: readonly string[]) => void;
}

export function follow(source: ConfigSource, { signal, take, tell, leaveOut }: FollowOptions): Following {
  const first = Promise.withResolvers<void>();
  // a source that says all is well does not know of the tree that was too large
  let own: MicrorunError | undefined;
  let ours: MicrorunError | undefined;
  const told = (): void => {
    const fault = own ?? ours;
    if (signal.aborted) return;
    tell(fault);
    if (fault !== undefined && !passes(fault)) setTimeout(first.resolve, faultGraceMs);
  };

  const run = async (): Promise<void> => {
    try {
      const tellOwn = (fault: MicrorunError | undefined): void => {
        own = fault;
        told();
      };
      const trees = source.watch(signal, tellOwn, leaveOut);
      for await (const tree of trees) {
        if (signal.aborted) break;
        try {
          take(ownTree(tree));
          ours = undefined;
        } catch (error) {
          ours = MicrorunError.from(error);
        }
        told();
        if (ours === undefined) first.resolve();
      }
    } catch (error) {
      ours = new MicrorunError("internal", `it failed, its last values stay: ${errorText(error)}`, {
        cause: error,
      });
      told();
    } finally {
      first.resolve();
    }
  };
  return { first: first.promise, done: run() };
}
