/** Several processes of one service under one parent: what they tell each other, and a worker's place among them. */

/** Where a service listens, the ports filled in. */
export interface Addresses {
  readonly grpc: string;
  readonly http: string;
  readonly health?: string | undefined;
}

/** How many calls there were, and how many failed. */
export interface Counts {
  readonly requests: number;
  readonly errors: number;
}

/** What a worker is started with. */
export interface Launch {
  /** From 1 on; a replacement has the number of the one that died. */
  readonly worker: number;
  readonly of: number;
  /** What makes the id of the instance unique, the same in all. */
  readonly nodeId: string;
  /** When the service was started, in seconds since the epoch. */
  readonly since: number;
  /** Where the others listen already. Absent: this is the first. */
  readonly addresses?: Addresses;
  /** Others are already being called. */
  readonly serving: boolean;
}

/** A worker has started: its ports are open. */
export interface Started {
  readonly addresses: Addresses;
  /** What the parent needs to announce the service, and to let it go: whoever runs both sides knows. */
  readonly announcement: unknown;
}

export type Report =
  | { readonly kind: "started"; readonly started: Started }
  /** Told every `reportMs`, be there any or not: silence is a sign. */
  | { readonly kind: "counts"; readonly counts: Counts };

export type Order =
  /** All have started: calls are welcome. */
  | { readonly kind: "serve" }
  /** The calls of the others, the dead among them. */
  | { readonly kind: "counts"; readonly counts: Counts }
  /** No longer ready; calls that still come are answered. */
  | { readonly kind: "stop"; readonly reason: string }
  /** Nobody is sent here any more: refuse calls, finish those under way, end. */
  | { readonly kind: "close" };

/** How often a worker reports. */
export const reportMs = 1000;

/** A worker's side. */
export interface Seat {
  readonly launch: Launch;
  /** Aborted when the parent says so, or is gone. */
  readonly stop: AbortSignal;
  /** Resolves once calls are welcome in all workers: at once where others are already being called. */
  started(started: Started): Promise<void>;
  /** Resolves once nobody is sent here any more: at once in a worker that stops by itself, since others take its calls. */
  left(): Promise<void>;
  /** `own`, and the calls of the other workers as last heard of. Reports them from now on. */
  sum(own: Counts): Counts & { readonly started: number };
}
