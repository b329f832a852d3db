/** One of several leads: whoever holds the lease, and for as long as it is renewed. No two clocks are compared. */
import { errorText, MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Clock } from "./operator.ts";

/** What the lease says. */
export interface LeaseRecord {
  /** Empty: nobody's. */
  readonly holder: string;
  /** How long it holds without being renewed. */
  readonly durationMs: number;
  /** Another one with each write. */
  readonly version: string;
}

export interface LeaseStore {
  /** `default/microrun-operator` */
  readonly name: string;
  read(signal: AbortSignal): Promise<LeaseRecord | undefined>;
  /**
   * @param before undefined: there is none yet
   * @throws MicrorunError `aborted` where somebody else was faster
   */
  write(
    next: Pick<LeaseRecord, "holder" | "durationMs">,
    before: LeaseRecord | undefined,
    signal: AbortSignal,
  ): Promise<LeaseRecord>;
}

export interface ElectionBounds {
  /** Others wait so long after the last renewal that they saw. */
  readonly leaseMs: number;
  /** Who cannot renew for so long gives up; less than `leaseMs`, so that no two lead. */
  readonly renewMs: number;
  /** Between two tries. */
  readonly retryMs: number;
}

/** @returns those of client-go at 15 s */
export function electionBounds(leaseMs: number): ElectionBounds {
  return { leaseMs, renewMs: (leaseMs * 2) / 3, retryMs: (leaseMs * 2) / 15 };
}

export interface Election {
  readonly store: LeaseStore;
  /** Unique to this process. */
  readonly identity: string;
  readonly bounds: ElectionBounds;
  readonly clock: Clock;
  readonly log: Log;
  /** @default Math.random */
  readonly random?: () => number;
}

/**
 * Leads again and again until aborted, and then gives the lease back.
 * @param work begun whenever we lead; its signal says that we do no more, and it ends soon then
 * @throws what `work` throws
 */
export async function lead(
  election: Election,
  work: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { log, store, identity } = election;
  while (!signal.aborted) {
    const held = await acquire(election, signal);
    if (held === undefined) return;
    log.info(`leading: holds lease ${store.name}`, { identity });
    const leading = new AbortController();
    const end = (): void => leading.abort();
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    const working = work(leading.signal).finally(end);
    // told below; the renewal may end first
    working.catch(() => {});
    const last = await renew(election, held, leading.signal);
    end();
    signal.removeEventListener("abort", end);
    await working.finally(() => release(election, last));
    if (!signal.aborted) log.warn(`leads no more: lease ${store.name} was lost`, { identity });
  }
}

/** A record and when we knew of it, by our own clock: first seen, or begun to be written. */
interface Dated {
  readonly record: LeaseRecord;
  readonly at: number;
}

/** @returns undefined: aborted before */
async function acquire(election: Election, signal: AbortSignal): Promise<Dated | undefined> {
  const { store, identity, bounds, clock, log, random = Math.random } = election;
  let seen: Dated | undefined;
  let told = "";
  const tell = (line: string): void => {
    if (line !== told) log.info(line);
    told = line;
  };
  while (!signal.aborted) {
    try {
      const record = await bounded(clock, bounds.renewMs, signal, (over) => store.read(over));
      const now = clock.now();
      if (record?.version !== seen?.record.version) seen = record && { record, at: now };
      const free = seen === undefined || seen.record.holder === "" || now - seen.at >= seen.record.durationMs;
      if (free) {
        const next = { holder: identity, durationMs: bounds.leaseMs };
        const write = (over: AbortSignal) => store.write(next, record, over);
        return { at: now, record: await bounded(clock, bounds.renewMs, signal, write) };
      }
      tell(`standing by: ${seen?.record.holder} holds lease ${store.name}`);
    } catch (error) {
      if (signal.aborted) break;
      if (MicrorunError.from(error).code !== "aborted")
        tell(`cannot get lease ${store.name}: ${errorText(error)}`);
    }
    await clock.pause(bounds.retryMs * (1 + random() / 5), signal);
  }
  return undefined;
}

/** Until aborted, or until it is lost. @returns what is to be given back; undefined: it is another's */
async function renew(
  election: Election,
  first: Dated,
  signal: AbortSignal,
): Promise<LeaseRecord | undefined> {
  const { store, identity, bounds, clock, log } = election;
  let held = first;
  for (;;) {
    const left = (): number => held.at + bounds.renewMs - clock.now();
    await clock.pause(Math.min(bounds.retryMs, Math.max(left(), 0)), signal);
    if (signal.aborted) return held.record;
    if (left() <= 0) return undefined;
    const next = { holder: identity, durationMs: bounds.leaseMs };
    try {
      const at = clock.now();
      const { record: before } = held;
      held = { at, record: await bounded(clock, left(), signal, (over) => store.write(next, before, over)) };
    } catch (error) {
      if (signal.aborted) return held.record;
      if (left() <= 0) return undefined;
      const read = bounded(clock, left(), signal, (over) => store.read(over));
      const record = await read.catch(() => undefined);
      if (record !== undefined && record.holder !== identity) return undefined;
      // an earlier write may have arrived though its answer did not
      if (record !== undefined) held = { at: held.at, record };
      else log.warn(`cannot renew lease ${store.name}: ${errorText(error)}`);
    }
  }
}

/** How long giving it back may take; else others wait until it is over. */
const releaseMs = 2000;

async function release({ store, clock }: Election, held: LeaseRecord | undefined): Promise<void> {
  if (held === undefined) return;
  await bounded(clock, releaseMs, undefined, async (over) => {
    const current = await store.read(over);
    if (current?.holder === held.holder) await store.write({ holder: "", durationMs: 1000 }, current, over);
    // nobody is kept from leading by its failure for longer than the lease
  }).catch(() => {});
}

/** What is not answered within `ms`, or until aborted, has failed: an answer that does not come keeps nobody from giving up. */
async function bounded<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  late.catch(() => {});
  const end = (): void => {
    over.abort();
    reject(new MicrorunError("deadline_exceeded", `no answer within ${Math.round(ms / 1000)} s`));
  };
  signal?.addEventListener("abort", end, { once: true });
  if (signal?.aborted) end();
  const timer = clock.pause(ms, over.signal).then(end);
  try {
    return await Promise.race([work(over.signal), late]);
  } finally {
    signal?.removeEventListener("abort", end);
    end();
    await timer;
  }
}
