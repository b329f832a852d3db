/** Near instances come first, until they are overloaded. */
import type { Instance } from "../registry/registry.ts";
import type { Peer } from "./peer.ts";

/** A near instance with as many calls in flight is busy: one afar is taken if it has less than half of them. */
const spillInFlight = 32;

/** Whether callers in `zone` should prefer it. */
export function isInZone({ forZones, zone, metadata }: Instance, own: string): boolean {
  if (forZones !== undefined) return forZones.includes(own);
  return (zone ?? metadata.zone) === own;
}

export function isOverloaded(near: Peer): boolean {
  return near.inFlight >= spillInFlight;
}

export function isRelief(far: Peer, near: Peer): boolean {
  return far.inFlight * 2 < near.inFlight;
}
