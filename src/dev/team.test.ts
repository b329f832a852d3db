import { expect, test } from "bun:test";
import type { Instance } from "./dev.ts";
import { createTeam } from "./team.ts";

const instance = (label: string, after: string[] = [], port = 1): Instance => ({
  ...{ label, after, port },
  plan: { name: label, cwd: "/", env: {}, flags: [], args: [], dependsOn: after, replicas: 1, watch: [] },
});

/** Microtasks that a step may need. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await Promise.resolve();
};

function setup() {
  const events: string[] = [];
  const said: string[] = [];
  const ready = new Map<string, (is: boolean) => void>();
  const team = createTeam({
    say: (text) => said.push(text),
    create({ label }) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      ready.set(label, resolve);
      return {
        start: () => void events.push(`start ${label}`),
        ready: promise,
        restart() {},
        async stop() {
          events.push(`stopping ${label}`);
          resolve(false);
          await settle();
          events.push(`stopped ${label}`);
        },
        kill: () => void events.push(`kill ${label}`),
      };
    },
  });
  return { team, events, said, ready };
}

test("each starts when those before it are ready, and stops when those after it have", async () => {
  const { team, events, ready } = setup();
  const applied = team.apply([
    instance("db"),
    instance("log"),
    instance("user", ["db"]),
    instance("shop", ["user"]),
  ]);
  await settle();
  expect(events).toEqual(["start db", "start log"]);
  for (const label of ["db", "user", "shop", "log"]) {
    ready.get(label)!(true);
    await settle();
  }
  expect(events).toEqual(["start db", "start log", "start user", "start shop"]);
  expect(await applied).toEqual({ started: 4, areReady: true });
  events.length = 0;
  await team.stop();
  expect(events.filter((event) => !event.endsWith("log"))).toEqual([
    ...["stopping shop", "stopped shop", "stopping user", "stopped user", "stopping db", "stopped db"],
  ]);
});

test("what depends on one that is late starts all the same, and that is told", async () => {
  const { team, events, said, ready } = setup();
  const applied = team.apply([instance("db"), instance("user", ["db"])]);
  await settle();
  ready.get("db")!(false);
  await settle();
  expect(events).toEqual(["start db", "start user"]);
  expect(said).toEqual(["db is not ready after 30 s: what depends on it starts all the same"]);
  ready.get("user")!(true);
  expect(await applied).toEqual({ started: 2, areReady: false });
});

test("a change touches what is new, gone or different", async () => {
  const { team, events, ready } = setup();
  const first = [instance("a"), instance("b"), instance("c")];
  void team.apply(first);
  await settle();
  for (const tell of ready.values()) tell(true);
  events.length = 0;
  const again = team.apply([instance("a"), instance("b", [], 2), instance("d")]);
  for (let i = 0; i < 3; i++) await settle();
  for (const tell of ready.values()) tell(true);
  expect((await again).started).toBe(2);
  expect(events.sort()).toEqual(["start b", "start d", "stopped b", "stopped c", "stopping b", "stopping c"]);
});

test("one that still waits for another never starts once all stop", async () => {
  const { team, events } = setup();
  void team.apply([instance("db"), instance("user", ["db"])]);
  await settle();
  const stopped = team.stop();
  await stopped;
  expect(events).not.toContain("kill db");
  await team.apply([instance("late")]);
  expect(events).not.toContain("start late");
});
