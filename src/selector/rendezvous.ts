/** The instance that a key of the call's metadata means: the highest of the hashes of key and address (rendezvous hashing). */
import type { Peer } from "./peer.ts";
import { draw } from "./random.ts";
import { mayTake, type Ranks, type Strategy } from "./strategy.ts";

/**
 * The same key goes to the same instance, whichever process and zone it comes from; where an instance comes or goes, only its
 * own share of the keys moves. A call without the key goes anywhere.
 */
export function rendezvous(key: string): Strategy {
  // hashes of the addresses, made once for a snapshot
  const known = new WeakMap<Ranks, Uint32Array>();
  return {
    zones: false,
    choose(ranks, turn) {
      const value = turn.call?.get(key);
      if (value === null || value === undefined) return draw(ranks, turn);
      let hashes = known.get(ranks);
      if (hashes === undefined) {
        hashes = Uint32Array.from(ranks.peers, ({ address }) => textHash(address));
        known.set(ranks, hashes);
      }
      const own = textHash(value);
      let best: Peer | undefined;
      let most = -1;
      for (let index = 0; index < hashes.length; index++) {
        const score = mixed(hashes[index]! ^ own);
        if (score < most || !mayTake(ranks.peers[index]!, turn)) continue;
        const peer = ranks.peers[index]!;
        if (best !== undefined && score === most && peer.address > best.address) continue;
        best = peer;
        most = score;
      }
      return best;
    },
  };
}

/** FNV-1a. */
function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return mixed(hash);
}

/** MurmurHash3's last step: each bit of the result depends on all. */
function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
