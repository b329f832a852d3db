/** Any instance, each as likely as the others. */
import type { Peer } from "./peer.ts";
import { mayTake, type Ranks, type Strategy, type Turn } from "./strategy.ts";

/** So often chance is asked before all are looked through. */
const maxDraws = 8;

export const random: Strategy = { zones: true, choose: draw };

export function draw({ peers }: Ranks, turn: Turn): Peer | undefined {
  for (let draws = 0; draws < maxDraws && peers.length > 0; draws++) {
    const peer = peers[Math.floor(turn.random() * peers.length)]!;
    if (mayTake(peer, turn)) return peer;
  }
  const left = peers.filter((peer) => mayTake(peer, turn));
  return left[Math.floor(turn.random() * left.length)];
}
