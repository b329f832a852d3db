/** The processes of one machine find each other: each instance is a file with a lease, in a folder of this user's. */
import { errorText, MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import { isAbsent, leaseFolder } from "./local-folder.ts";
import { leaseName, maxTickMs, readLease, writeLease } from "./local-lease.ts";
import { ownProcess } from "./local-process.ts";
import { localView } from "./local-view.ts";
import type { Instance, Registry } from "./registry.ts";
import { snapshots } from "./snapshots.ts";

export interface LocalRegistryOptions {
  /** Made when it is not there, for this user alone. */
  folder: string;
  /** How long a file holds that is not written again. @default 60000 */
  ttlMs?: number;
  /** @default 30000 */
  intervalMs?: number;
  log: Log;
}

interface Announcement {
  readonly instance: Instance;
  /** When it was written, in ms since the epoch; 0: not yet. */
  written: number;
}

/**
 * A process that ends without a word is gone for readers at once: they ask the system for it. One that disposes its registry and
 * not its announcements leaves them behind until they expire.
 * @throws MicrorunError `failed_precondition` when the folder is there and not this user's alone
 */
export async function localRegistry(options: LocalRegistryOptions): Promise<Registry> {
  const { ttlMs = 60_000, intervalMs = 30_000, log } = options;
  const folder = leaseFolder(options.folder);
  const own = new Map<string, Announcement>();
  const me = ownProcess();
  const view = localView(folder, ttlMs, log, () => watches.changed());
  let watchers = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  let complaint = "";
  let lane: Promise<unknown> = Promise.resolve();

  const watches = snapshots({
    current: () => view.current,
    begin: async () => {
      if (watchers++ === 0) await view.start();
      await view.look();
    },
    end: () => {
      if (--watchers === 0) view.stop();
    },
  });

  /** One after the other: a renewal under way must not bring back what was taken back meanwhile. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = lane.then(work);
    lane = done.catch(() => {});
    return done;
  };

  async function write(name: string, announcement: Announcement, left = false): Promise<void> {
    const { instance } = announcement;
    const now = Date.now();
    try {
      await folder.make();
      await folder.write(
        name,
        writeLease({ instance, expires: now + ttlMs, ...(left ? {} : { process: me }) }),
      );
      announcement.written = now;
      complaint = "";
    } catch (error) {
      const why = errorText(error);
      if (why !== complaint) log.warn(`others on this machine cannot find ${instance.id}: ${why}`);
      complaint = why;
    }
  }

  async function renew(): Promise<void> {
    for (const [name, announcement] of own) {
      await inTurn(async () => {
        if (own.get(name) !== announcement) return;
        const age = Date.now() - announcement.written;
        const there = await folder.stamp(name).catch(() => undefined);
        if (age < 0 || age >= intervalMs || there === undefined) await write(name, announcement);
      });
    }
  }

  /** Only our own: a process that was started since under the same id has its own lease there. */
  async function takeBack(name: string): Promise<void> {
    try {
      const { process } = readLease(await folder.read(name));
      if (process?.pid === me.pid && process.started === me.started) await folder.remove(name);
    } catch (error) {
      if (!isAbsent(error)) log.warn(`${folder.path}/${name} is left behind: ${errorText(error)}`);
    }
  }

  function tick(): void {
    if (own.size > 0) {
      timer ??= setInterval(() => void renew(), Math.min(intervalMs, maxTickMs));
    } else {
      clearInterval(timer);
      timer = undefined;
    }
  }

  // A folder that cannot be made is no reason not to start; one that is not ours alone is.
  await folder.make().catch((error) => {
    if (error instanceof MicrorunError) throw error;
    log.debug(`${folder.path} cannot be made: ${errorText(error)}`);
  });

  return {
    name: "local",
    persistent: true,
    async register(given) {
      const instance = { ...given };
      const name = leaseName(instance);
      const announcement: Announcement = { instance, written: 0 };
      writeLease({ instance, expires: 0, process: me });
      own.set(name, announcement);
      tick();
      await inTurn(() => write(name, announcement));
      if (watchers > 0) await view.look();
      return {
        async [Symbol.asyncDispose]() {
          if (own.get(name) !== announcement) return;
          own.delete(name);
          tick();
          await inTurn(() => takeBack(name));
          if (watchers > 0) await view.look();
        },
      };
    },
    async deregister(instance) {
      const name = leaseName(instance);
      own.delete(name);
      tick();
      try {
        await inTurn(() => folder.remove(name));
      } catch (error) {
        throw new MicrorunError("unavailable", `cannot take back ${instance.id}: ${errorText(error)}`, {
          cause: error,
        });
      }
      if (watchers > 0) await view.look();
    },
    watch: watches.watch,
    staleSince: () => view.lostSince,
    async list() {
      await view.look();
      return view.current;
    },
    async [Symbol.asyncDispose]() {
      watches[Symbol.dispose]();
      view.stop();
      const left = [...own];
      own.clear();
      tick();
      for (const [name, announcement] of left) await inTurn(() => write(name, announcement, true));
    },
  };
}
