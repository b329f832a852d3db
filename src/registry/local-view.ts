/** What the leases in the local registry's folder say now, kept up to date while somebody watches. */
import { type FSWatcher, watch as watchFolder } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { errorText } from "../errors.ts";
import type { Log } from "../log.ts";
import { type Folder, isAbsent } from "./local-folder.ts";
import { type Lease, leaseName, leaseState, maxTickMs, readLease } from "./local-lease.ts";
import type { Instance } from "./registry.ts";

/** How many instances are read of a folder; the rest is left out. */
export const maxInstances = 1000;

/** How often a watched folder is looked at for ended processes, expired leases and events that were missed, ms. */
export const pollMs = 1000;

/** How long after an event the folder is read, so that a burst is read once, ms. */
const settleMs = 20;

/** How long instances whose folder vanished are kept: their owners write them again meanwhile, ms. */
export const keepLostMs: number = 2 * maxTickMs;

interface Known {
  readonly stamp: string;
  /** Undefined: cannot be read. */
  readonly lease?: Lease;
}

type Leases = ReadonlyMap<string, Known>;

export interface View {
  /** As of the last look, in the order of their files. */
  readonly current: readonly Instance[];
  /** When the folder vanished, ms since the epoch, as long as instances are kept for that; undefined: nothing is missing. */
  readonly lostSince: number | undefined;
  /** Looks again. Never rejects: what cannot be read is a line in the log, once. */
  look(): Promise<void>;
  /** Looks whenever something may have changed from now on. */
  start(): Promise<void>;
  stop(): void;
}

/**
 * @param ttlMs how long after its end an expired lease is kept, in case its process comes back
 * @param changed called when a look showed anything new
 */
export function localView(folder: Folder, ttlMs: number, log: Log, changed: () => void): View {
  let known: Leases = new Map();
  let lost: { readonly since: number; readonly leases: Leases } | undefined;
  let current: readonly Instance[] = [];
  let looking: Promise<void> | undefined;
  let lookAgain = false;
  let events: { readonly watcher: FSWatcher; readonly of: string } | undefined;
  let poll: ReturnType<typeof setInterval> | undefined;
  let settling: ReturnType<typeof setTimeout> | undefined;
  let complaint = "";

  const complain = (why: string): void => {
    if (why !== complaint && why !== "") log.warn(why);
    complaint = why;
  };

  /** The same instance stays the same object when its lease is renewed: for who watches nothing changed. */
  async function read(name: string, stamp: string, before: Known | undefined): Promise<Known> {
    try {
      const lease = readLease(await folder.read(name));
      if (leaseName(lease.instance) !== name) throw new Error("it is named for another instance");
      const instance = before?.lease?.instance;
      return {
        stamp,
        lease: isDeepStrictEqual(instance, lease.instance) ? { ...lease, instance: instance! } : lease,
      };
    } catch (error) {
      const told = before !== undefined && before.lease === undefined;
      if (!isAbsent(error) && !told) log.warn(`${folder.path}/${name} is skipped: ${errorText(error)}`);
      return { stamp };
    }
  }

  async function removeStale(name: string, { stamp, lease }: Known): Promise<void> {
    const state = leaseState(lease!, Date.now() - ttlMs);
    // A process that started again under the same id may have written it since.
    if (state === "holds" || (await folder.stamp(name)) !== stamp) return;
    await folder.remove(name);
    log.debug(`${folder.path}/${name} is removed: its process has ended or its lease is long over`);
  }

  /** A folder that is removed takes the files of processes along that run on. */
  function keepLost(isThere: boolean): void {
    const now = Date.now();
    if (!isThere && known.size > 0)
      lost = { since: now, leases: new Map([...(lost?.leases ?? []), ...known]) };
    if (lost !== undefined && Math.abs(now - lost.since) > keepLostMs) lost = undefined;
  }

  async function lookOnce(): Promise<void> {
    const listed = await folder.names();
    keepLost(listed !== undefined);
    const names = listed ?? [];
    const seen = new Map<string, Known>();
    const found = new Map<string, Instance>();
    for (const name of names.slice(0, maxInstances)) {
      const stamp = await folder.stamp(name);
      if (stamp === undefined) continue;
      const before = known.get(name) ?? lost?.leases.get(name);
      const now = before?.stamp === stamp ? before : await read(name, stamp, before);
      seen.set(name, now);
      if (now.lease === undefined) continue;
      if (leaseState(now.lease, Date.now()) === "holds") found.set(name, now.lease.instance);
      else await removeStale(name, now);
    }
    for (const [name, { lease }] of lost?.leases ?? []) {
      if (lease === undefined || seen.has(name)) continue;
      if (leaseState(lease, Date.now()) === "holds") found.set(name, lease.instance);
    }
    const over = names.length - maxInstances;
    complain(
      over > 0
        ? `${folder.path}: ${over} of its instances are left out, more than ${maxInstances} are not read`
        : "",
    );
    known = seen;
    const holding = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, instance]) => instance);
    const same = current.length === holding.length && current.every((one, index) => one === holding[index]);
    current = holding;
    if (!same) changed();
  }

  async function lookAll(): Promise<void> {
    do {
      lookAgain = false;
      await lookOnce().catch((error) => complain(errorText(error)));
    } while (lookAgain);
    looking = undefined;
  }

  const look = (): Promise<void> => {
    lookAgain = true;
    looking ??= lookAll();
    return looking;
  };

  /** A folder that was made anew needs a new watcher. Where there can be none, the poll does. */
  async function listen(): Promise<void> {
    const of = await folder.stamp(".").catch(() => undefined);
    const inode = of?.split(" ")[0];
    if (poll === undefined || events?.of === inode) return;
    events?.watcher.close();
    events = undefined;
    if (inode === undefined) return;
    try {
      const watcher = watchFolder(folder.path, () => {
        settling ??= setTimeout(() => {
          settling = undefined;
          void look();
        }, settleMs);
      });
      watcher.on("error", () => {});
      events = { watcher, of: inode };
    } catch (error) {
      log.debug(`${folder.path} cannot be watched, it is polled: ${errorText(error)}`);
    }
  }

  return {
    get current() {
      return current;
    },
    get lostSince() {
      return lost?.since;
    },
    look,
    async start() {
      poll ??= setInterval(() => {
        void listen();
        void look();
      }, pollMs);
      await listen();
    },
    stop() {
      clearInterval(poll);
      clearTimeout(settling);
      events?.watcher.close();
      poll = settling = events = undefined;
    },
  };
}
