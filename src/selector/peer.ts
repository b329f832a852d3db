/** What a selector knows of one address: how busy it is, how fast, and whether it failed lately. */

export interface Peer {
  readonly address: string;
  /** Calls picked and not yet reported. */
  inFlight: number;
  readonly latency: Latency;
  /** Failures in a row. */
  failures: number;
  /** Since when it is set aside; times as the balancer's `now` tells them, in ms. */
  asideAt: number;
  /** Until when; 0: it is not. After it, one call tries it again. */
  asideUntil: number;
  /** That call is under way, and is waited for until then; 0: it is not. */
  tryingUntil: number;
}

/** How fast an address answers, in ms. */
export interface Latency {
  /** At `at`; it fades from then on. */
  ms: number;
  /** Undefined: nothing seen yet. */
  at: number | undefined;
  /** What holds as long as nothing was seen: the mean of the service that the address belongs to. */
  readonly mean: Mean;
}

export interface Mean {
  ms: number;
}

export function newPeer(address: string, mean: Mean): Peer {
  const latency = { ms: 0, at: undefined, mean };
  return { address, inFlight: 0, latency, failures: 0, asideAt: 0, asideUntil: 0, tryingUntil: 0 };
}

/** Another process answers at the address: what the one before did does not count. */
export function renew(peer: Peer): void {
  peer.failures = 0;
  peer.asideUntil = 0;
  peer.tryingUntil = 0;
  peer.latency.at = undefined;
}
