/** The addresses of all services in use, each with what is known of it, kept as snapshots replace each other. */
import type { Instance } from "../registry/registry.ts";
import { type Mean, newPeer, type Peer, renew } from "./peer.ts";

/** A service's addresses at present. */
export interface Members {
  readonly snapshot: readonly Instance[];
  /** The ids that are announced at each address. */
  readonly ids: ReadonlyMap<string, string>;
  readonly mean: Mean;
}

export interface Pool {
  /** Undefined: the address is no longer known. */
  peer(address: string): Peer | undefined;
  /** What takes the place of `before`: addresses that went are forgotten, new ones begin as the others are on average. */
  replace(before: Members | undefined, snapshot: readonly Instance[]): Members;
  forget(members: Members): void;
  readonly size: number;
}

interface Held {
  readonly peer: Peer;
  /** Services that name it: reports tell an address alone. */
  services: number;
}

export function createPool(): Pool {
  const held = new Map<string, Held>();

  const hold = (address: string, mean: Mean): Held => {
    const known = held.get(address) ?? { peer: newPeer(address, mean), services: 0 };
    known.services++;
    held.set(address, known);
    return known;
  };
  const release = (address: string): void => {
    const known = held.get(address);
    if (known !== undefined && --known.services <= 0) held.delete(address);
  };

  const forget = ({ ids }: Members): void => {
    for (const address of ids.keys()) release(address);
  };
  return {
    peer: (address) => held.get(address)?.peer,
    replace(before, snapshot) {
      const mean = before?.mean ?? { ms: 0 };
      const ids = idsByAddress(snapshot);
      for (const [address, announced] of ids) {
        const { peer } = hold(address, mean);
        const known = before?.ids.get(address);
        if (known !== undefined && known !== announced && hasNew(announced, known)) renew(peer);
      }
      if (before !== undefined) forget(before);
      return { snapshot, ids, mean };
    },
    forget,
    get size() {
      return held.size;
    },
  };
}

function idsByAddress(snapshot: readonly Instance[]): Map<string, string> {
  const ids = new Map<string, string>();
  const add = (address: string, id: string): void => {
    const others = ids.get(address);
    // a process that was killed may still be announced beside the one in its place
    if (others === undefined) ids.set(address, id);
    else if (!others.split(" ").includes(id)) ids.set(address, `${others} ${id}`);
  };
  for (const { address, protocols, id } of snapshot) {
    add(address, id);
    for (const protocol in protocols) add(protocols[protocol]!, id);
  }
  return ids;
}

function hasNew(ids: string, before: string): boolean {
  const known = before.split(" ");
  return ids.split(" ").some((id) => !known.includes(id));
}
