/** Of two instances drawn by chance the less loaded one: nearly as good as the best of all, and callers do not flock to it. */
import { compareLoads } from "./latency.ts";
import { draw } from "./random.ts";
import { mayTake, type Strategy } from "./strategy.ts";

export const p2c: Strategy = {
  zones: true,
  choose(ranks, turn) {
    const { peers } = ranks;
    if (peers.length < 2) return draw(ranks, turn);
    const first = Math.floor(turn.random() * peers.length);
    const step = 1 + Math.floor(turn.random() * (peers.length - 1));
    const one = peers[first]!;
    const other = peers[(first + step) % peers.length]!;
    if (!mayTake(one, turn)) return mayTake(other, turn) ? other : draw(ranks, turn);
    if (!mayTake(other, turn)) return one;
    return compareLoads(other, one, turn.now) < 0 ? other : one;
  },
};
