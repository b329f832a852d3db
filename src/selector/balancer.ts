/** Calls spread over a service's instances: which will do, which are near, which are fit, and of those one by a strategy. */
import { errorText } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Instance } from "../registry/registry.ts";
import { noInstance } from "./absence.ts";
import { type CacheOptions, createCache, type Snapshot } from "./cache.ts";
import { addressFor, defaultProtocol, hasMetadata, hasVersion, wishKey } from "./filter.ts";
import { observe } from "./latency.ts";
import { judge, tried, verdictOf } from "./outliers.ts";
import type { Peer } from "./peer.ts";
import { createPool, type Members } from "./pool.ts";
import type { Selector, Wish } from "./selector.ts";
import type { Source } from "./source.ts";
import type { Ranks, Strategy, Turn } from "./strategy.ts";
import { isInZone, isOverloaded, isRelief } from "./zones.ts";

export interface BalancerOptions {
  readonly name: string;
  readonly source: Source;
  readonly strategy: Strategy;
  /** @default source.zone() */
  readonly zone?: string;
  readonly log: Log;
  /** Bounds of what is watched. */
  readonly cache?: Pick<CacheOptions, "maxServices" | "idleMs" | "firstSnapshotMs" | "rewatchMs">;
  /** Milliseconds that only go forward. @default performance.now */
  readonly now?: () => number;
  /** 0 to 1. @default Math.random */
  readonly random?: () => number;
}

/** The most different wishes for which a service's candidates are kept. */
const maxWishes = 64;

/** Those that will do for a wish. */
interface Candidates {
  readonly near: Ranks;
  readonly far: Ranks;
}

/** A service as its last snapshot has it. */
interface Known {
  members: Members;
  zone: string | undefined;
  readonly candidates: Map<string, Candidates>;
}

export function createBalancer(options: BalancerOptions): Selector {
  const { name, source, strategy, log, now = () => performance.now(), random = Math.random } = options;
  const pool = createPool();
  const services = new Map<string, Known>();
  const forget = (service: string): void => {
    const known = services.get(service);
    if (known !== undefined) pool.forget(known.members);
    services.delete(service);
  };
  const cache = createCache({ ...options.cache, source, log, now, random, forget });

  const ranked = (instances: readonly Instance[], address: (one: Instance) => string | undefined): Ranks => {
    const peers = new Map<string, Instance>();
    for (const one of instances) peers.set(address(one)!, one);
    const list = [...peers].flatMap(([at, one]) =>
      Array<Peer>(source.weight?.(one) ?? 1).fill(pool.peer(at)!),
    );
    return { peers: list, next: Math.floor(random() * list.length) };
  };
  const candidatesOf = (snapshot: Snapshot, wish: Wish, zone: string | undefined): Candidates => {
    const { protocol = defaultProtocol, version, metadata } = wish;
    const address = (one: Instance): string | undefined => addressFor(one, protocol);
    const all = snapshot.filter(
      (one) => hasVersion(one, version) && hasMetadata(one, metadata) && address(one) !== undefined,
    );
    const isNear = source.isNear ?? ((one) => zone === undefined || isInZone(one, zone));
    const near = strategy.zones ? all.filter(isNear) : all;
    const far = near.length === all.length ? [] : all.filter((one) => !isNear(one));
    return { near: ranked(near, address), far: ranked(far, address) };
  };
  const knownOf = (service: string, snapshot: Snapshot): Known => {
    const zone = options.zone ?? source.zone?.();
    const before = services.get(service);
    if (before?.members.snapshot === snapshot && before.zone === zone) return before;
    const members = pool.replace(before?.members, snapshot);
    const known = { members, zone, candidates: new Map() };
    services.set(service, known);
    return known;
  };

  const take = (service: string, snapshot: Snapshot, wish: Wish): string => {
    const known = knownOf(service, snapshot);
    const key = wishKey(wish);
    let candidates = known.candidates.get(key);
    if (candidates === undefined) {
      if (known.candidates.size >= maxWishes) known.candidates.clear();
      candidates = candidatesOf(snapshot, wish, known.zone);
      known.candidates.set(key, candidates);
    }
    const turn = { now: now(), random, call: wish.call, except: wish.except };
    const peer =
      nearest(strategy, candidates, { ...turn, who: "fit" }) ??
      nearest(strategy, candidates, { ...turn, who: "new" }) ??
      nearest(strategy, candidates, { ...turn, who: "any" });
    if (peer === undefined) throw noInstance(service, snapshot, wish, source);
    peer.inFlight++;
    tried(peer, turn.now);
    return peer.address;
  };

  return {
    name,
    pick(service, wish = {}) {
      const snapshot = cache.current(service);
      if (!(snapshot instanceof Promise)) return take(service, snapshot, wish);
      return snapshot.then((first) => take(service, first, wish));
    },
    report(address, error, ms, connecting = false) {
      const peer = pool.peer(address);
      if (peer === undefined) return;
      peer.inFlight = Math.max(0, peer.inFlight - 1);
      const at = now();
      const verdict = verdictOf(error);
      if (!connecting && (verdict === "answered" || verdict === "late"))
        observe(peer.latency, ms, at, error === undefined || verdict === "late");
      const turned = judge(peer, verdict, at - ms, at, random());
      if (turned === "aside") log.warn("instance set aside", { address, error: errorText(error) });
      if (turned === "back") log.info("instance taken back", { address });
    },
    [Symbol.asyncDispose]: () => cache[Symbol.asyncDispose](),
  };
}

/** A near one, unless it is overloaded and one afar is not; else one afar. */
function nearest(strategy: Strategy, { near, far }: Candidates, turn: Turn): Peer | undefined {
  const one = strategy.choose(near, turn);
  if (one !== undefined && !isOverloaded(one)) return one;
  const other = strategy.choose(far, turn);
  if (one === undefined || other === undefined) return one ?? other;
  return isRelief(other, one) ? other : one;
}
