/** All instances of a project together: each starts after those it depends on, and stops before them. */
import { isDeepStrictEqual } from "node:util";
import type { Instance } from "./dev.ts";
import type { Member } from "./member.ts";

export interface TeamOptions {
  readonly create: (instance: Instance) => Member;
  /** Of one instance, or of all. */
  readonly say: (text: string, label?: string) => void;
}

export interface Team {
  /** Their ports are none of 0. What is new is started, what is gone is stopped, what is different is both, the rest goes on. Resolves when all are ready or given up. */
  apply(instances: readonly Instance[]): Promise<void>;
  /** All, in reverse order. */
  stop(): Promise<void>;
  /** At once. */
  kill(): void;
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
        say("is not ready in time: what depends on it starts all the same", label);
      return ready;
    };
    entries.set(label, { instance, member, ready: start() });
  }

  async function change(instances: readonly Instance[]): Promise<void> {
    if (stopped) return;
    const wanted = new Map(instances.map((instance) => [instance.label, instance]));
    const gone = [...entries].filter(([label, { instance }]) => !isDeepStrictEqual(instance, wanted.get(label)));
    await stopThese(gone.map(([label]) => label));
    const fresh = instances.filter(({ label }) => !entries.has(label) && !stopped);
    for (const instance of fresh) begin(instance);
  }

  return {
    async apply(instances) {
      const changing = lane.then(() => change(instances));
      lane = changing.catch(() => {});
      await changing;
      await Promise.all([...entries.values()].map(({ ready }) => ready));
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
