/** One instance after the other. */
import { mayTake, type Strategy } from "./strategy.ts";

export const roundrobin: Strategy = {
  zones: true,
  choose(ranks, turn) {
    const { peers } = ranks;
    for (let asked = 0; asked < peers.length; asked++) {
      const peer = peers[ranks.next % peers.length]!;
      ranks.next = (ranks.next + 1) % peers.length;
      if (mayTake(peer, turn)) return peer;
    }
    return undefined;
  },
};
