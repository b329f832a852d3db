/** How one of several instances is chosen; each strategy is a file beside this one. */
import { isFit } from "./outliers.ts";
import type { Peer } from "./peer.ts";

/** One choice to be made. */
export interface Turn {
  readonly now: number;
  /** 0 to 1. */
  readonly random: () => number;
  readonly call: Headers | undefined;
  readonly except: ReadonlySet<string> | undefined;
  /** Who may be taken: `fit` ones, `new` ones (set aside or not, but none that failed this call already), or `any`. */
  readonly who: "fit" | "new" | "any";
}

/** Instances among which one is chosen, as long as nothing changes; one of double weight stands there twice. */
export interface Ranks {
  readonly peers: readonly Peer[];
  /** Whose turn it is, for those that go round. */
  next: number;
}

export interface Strategy {
  /** Whether near instances come first. */
  readonly zones: boolean;
  /** Undefined: none may be taken. */
  choose(ranks: Ranks, turn: Turn): Peer | undefined;
}

export function mayTake(peer: Peer, { who, except, now }: Turn): boolean {
  if (who === "any") return true;
  if (except?.has(peer.address)) return false;
  return who === "new" || isFit(peer, now);
}
