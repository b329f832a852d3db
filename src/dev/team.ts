/** All instances of a project together: each starts after those it depends on, and stops before them. */
import { isDeepStrictEqual } from "node:util";
import type { Instance } from "./dev.ts";
import { type Member, maxReadyMs } from "./member.ts";

export interface TeamOptions {
  readonly create: (instance: Instance) => Member;
  readonly say: (text: string) => void;
}

export interface Team {
  /** Their ports are none of 0. What is new is started, what is gone is stopped, what is different is both, the rest goes on. Resolves when all are ready or late. */
  apply(instances: readonly Instance[]): Promise<Applied>;
  /** All, in reverse order. */
  stop(): Promise<void>;
  /** At once. */
  kill(): void;
}

export interface Applied {
  /** How many were started. */
  readonly started: number;
  /** All that there are. */
  readonly areReady: boolean;
}

interface Entry {
  readonly instance: Instance;
  readonly member: Member;
  readonly ready: Promise<boolean>;
}

export function createTeam({ create, say }: TeamOptions): Team {
  const entries = new Map<string, Entry>();
  let lane: Promise<unknown> = Promise.resolve();
  let stopped = false;

  /** Those that depend on others first. */
  async function stopThese(labels: readonly string[]): Promise<void> {
    const ends = new Map<string, Promise<void>>();
    const end = (label: string): Promise<void> => {
      const known = ends.get(label);
      if (known !== undefined) return known;
      const dependents = labels.filter((other) => entries.get(other)?.instance.after.includes(label));
      const ending = Promise.all(dependents.map(end)).then(() => entries.get(label)?.member.stop());
      ends.set(label, ending);
      return ending;
    };
    await Promise.all(labels.map(end));
    for (const label of labels) entries.delete(label);
  }

  function begin(instance: Instance): void {
    const { label, after } = instance;
    const member = create(instance);
    const before = after.flatMap((other) => entries.get(other) ?? []);
    const start = async (): Promise<boolean> => {
      await Promise.all(before.map(({ ready }) => ready));
      member.start();
      const ready = await member.ready;
      if (!ready && !stopped && entries.get(label)?.member === member)
        say(`${label} is not ready after ${maxReadyMs / 1000} s: what depends on it starts all the same`);
      return ready;
    };
    entries.set(label, { instance, member, ready: start() });
  }

  async function change(instances: readonly Instance[]): Promise<number> {
    if (stopped) return 0;
    const wanted = new Map(instances.map((instance) => [instance.label, instance]));
    const gone = [...entries].filter(
      ([label, { instance }]) => !isDeepStrictEqual(instance, wanted.get(label)),
    );
    await stopThese(gone.map(([label]) => label));
    const fresh = instances.filter(({ label }) => !entries.has(label) && !stopped);
    for (const instance of fresh) begin(instance);
    return fresh.length;
  }

  return {
    async apply(instances) {
      const changing = lane.then(() => change(instances));
      lane = changing.catch(() => {});
      const started = await changing;
      const ready = await Promise.all([...entries.values()].map((entry) => entry.ready));
      return { started, areReady: !ready.includes(false) };
    },
    async stop() {
      stopped = true;
      await lane;
      await stopThese([...entries.keys()]);
    },
    kill() {
      stopped = true;
      for (const { member } of entries.values()) member.kill();
    },
  };
}
