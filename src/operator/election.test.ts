import { expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import { silentLog } from "../log.ts";
import { electionBounds, type LeaseRecord, type LeaseStore, lead } from "./election.ts";
import { type ManualClock, manualClock } from "./manual-clock.contract.ts";

const bounds = electionBounds(15_000);

/** A lease that several may write, each over a way of its own that may be broken. */
function sharedLease() {
  let current: LeaseRecord | undefined;
  let versions = 0;
  return {
    holder: () => current?.holder,
    /** @param gate awaited before each request arrives */
    way(gate: () => Promise<void>): LeaseStore {
      const arrived = async (signal: AbortSignal) => {
        const { promise, reject } = Promise.withResolvers<never>();
        signal.addEventListener("abort", () => reject(new MicrorunError("cancelled", "late")), {
          once: true,
        });
        await Promise.race([gate(), promise]);
      };
      return {
        name: "test/lease",
        async read(signal) {
          await arrived(signal);
          return current;
        },
        async write(next, before, signal) {
          await arrived(signal);
          if (current?.version !== before?.version) throw new MicrorunError("aborted", "somebody was faster");
          current = { ...next, version: String(++versions) };
          return current;
        },
      };
    },
  };
}

interface Candidate {
  readonly leads: () => boolean;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** @param rate how fast its own clock goes */
function candidate(
  lease: ReturnType<typeof sharedLease>,
  clock: ManualClock,
  identity: string,
  {
    gate = async () => {},
    rate = 1,
    offset = 0,
  }: { gate?: () => Promise<void>; rate?: number; offset?: number } = {},
): Candidate {
  let leading = 0;
  const stop = new AbortController();
  const own = {
    now: () => clock.now() * rate + offset,
    pause: (ms: number, signal: AbortSignal) => clock.pause(ms / rate, signal),
  };
  const work = async (signal: AbortSignal) => {
    leading++;
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    leading--;
  };
  const election = { store: lease.way(gate), identity, bounds, clock: own, log: silentLog, random: () => 0 };
  return { leads: () => leading > 0, stop, ended: lead(election, work, stop.signal) };
}

test("the first leads, the second takes over as soon as the first gives the lease back", async () => {
  const [clock, lease] = [manualClock(), sharedLease()];
  const a = candidate(lease, clock, "a");
  await clock.pass(10);
  const b = candidate(lease, clock, "b");
  await clock.pass(60_000);
  expect([a.leads(), b.leads(), lease.holder()]).toEqual([true, false, "a"]);
  a.stop.abort();
  await a.ended;
  expect(lease.holder()).toBe("");
  await clock.pass(bounds.retryMs);
  expect([a.leads(), b.leads()]).toEqual([false, true]);
  b.stop.abort();
  await b.ended;
});

test("one that goes silent is followed after the lease's duration, not before, whatever the clocks say", async () => {
  const [clock, lease] = [manualClock(), sharedLease()];
  let cut = false;
  const gate = () => (cut ? new Promise<void>(() => {}) : Promise.resolve());
  const a = candidate(lease, clock, "a", { gate });
  await clock.pass(10);
  const b = candidate(lease, clock, "b", { offset: 86_400_000 });
  await clock.pass(20_000);
  cut = true;
  await clock.pass(bounds.renewMs);
  // it cannot renew, and gives up by itself before anybody else begins
  expect([a.leads(), b.leads()]).toEqual([false, false]);
  await clock.pass(bounds.leaseMs);
  expect([a.leads(), b.leads()]).toEqual([false, true]);
  cut = false;
  await clock.pass(30_000);
  expect([a.leads(), b.leads()]).toEqual([false, true]);
  b.stop.abort();
  await b.ended;
  await clock.pass(bounds.retryMs);
  expect(a.leads()).toBe(true);
  a.stop.abort();
  await a.ended;
});

test("an API server that is away for a moment costs nobody the lead", async () => {
  const [clock, lease] = [manualClock(), sharedLease()];
  let away = false;
  const gate = async () => {
    if (away) throw new MicrorunError("unavailable", "away");
  };
  const a = candidate(lease, clock, "a", { gate });
  const b = candidate(lease, clock, "b", { gate });
  await clock.pass(10_000);
  const first = [a.leads(), b.leads()];
  expect(first.filter(Boolean)).toHaveLength(1);
  away = true;
  await clock.pass(bounds.renewMs - bounds.retryMs - 1);
  away = false;
  await clock.pass(60_000);
  expect([a.leads(), b.leads()]).toEqual(first);
  a.stop.abort();
  b.stop.abort();
  await Promise.all([a.ended, b.ended]);
});

test("work that fails gives the lease back and is told", async () => {
  const [clock, lease] = [manualClock(), sharedLease()];
  const store = lease.way(async () => {});
  const election = { store, identity: "a", bounds, clock, log: silentLog };
  const failing = async () => {
    throw new Error("no");
  };
  await expect(lead(election, failing, new AbortController().signal)).rejects.toThrow("no");
  expect(lease.holder()).toBe("");
});

test("never do two lead, however ways break and clocks drift within a tenth", async () => {
  let state = 7;
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
  const [clock, lease] = [manualClock(), sharedLease()];
  const cut = [false, false, false];
  const all = [0.95, 1, 1.05].map((rate, at) =>
    candidate(lease, clock, `c${at}`, {
      rate,
      offset: at * 1e9,
      gate: () =>
        cut[at] === true
          ? new Promise<void>(() => {})
          : clock.pause(random() * 500, new AbortController().signal),
    }),
  );
  const led = new Set<number>();
  for (let step = 0; step < 400; step++) {
    if (step % 20 === 0) for (const at of cut.keys()) cut[at] = random() < 0.4;
    await clock.pass(1000);
    const leaders = all.flatMap(({ leads }, at) => (leads() ? [at] : []));
    expect(leaders.length).toBeLessThan(2);
    for (const at of leaders) led.add(at);
  }
  expect(led.size).toBe(3);
  for (const { stop } of all) stop.abort();
  await clock.pass(10_000);
  await Promise.all(all.map(({ ended }) => ended));
}, 30_000);
