import { expect, test } from "bun:test";
import { MicrorunError } from "../../errors.ts";
import { pause } from "../../wait.ts";
import { withdrawMs } from "./announce.ts";
import { assertion } from "./assertion.ts";

/** What was written, and how each write is to end. */
function scene(intervalMs = 0) {
  const state = { wanted: 1 };
  const written: number[] = [];
  const answers: (MicrorunError | undefined)[] = [];
  let write = async (_signal: AbortSignal): Promise<void> => {};
  const asserted = assertion({
    empty: () => state.wanted === 0,
    write: async (signal) => {
      const value = state.wanted;
      await write(signal);
      written.push(value);
    },
    answered: (error) => answers.push(error),
    intervalMs,
  });
  return {
    ...asserted,
    state,
    written,
    answers,
    behave: (next: typeof write) => {
      write = next;
    },
  };
}

const refused = new MicrorunError("permission_denied", "no");
const away = new MicrorunError("unavailable", "away");
const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

test("a write is over when it has been answered, well or badly", async () => {
  const { write, behave, written, answers, end } = scene();
  await write();
  expect([written, answers]).toEqual([[1], [undefined]]);
  behave(async () => {
    throw refused;
  });
  await write();
  expect(answers[1]).toBe(refused);
  end();
});

test("what is wanted while a write is under way is written after it", async () => {
  const { write, behave, state, written, end } = scene();
  const gate = Promise.withResolvers<void>();
  behave(() => gate.promise);
  const first = write();
  state.wanted = 2;
  const second = write();
  state.wanted = 3;
  const third = write();
  gate.resolve();
  await Promise.all([first, second, third]);
  expect(written).toEqual([1, 3]);
  end();
});

test("it is written again after its interval", async () => {
  const { write, written, end } = scene(5);
  await write();
  while (written.length < 3) await pause(1);
  end();
  const after = written.length;
  await pause(30);
  expect(written.length).toBe(after);
});

test("a failure is tried again soon, however long the interval", async () => {
  const { write, behave, written, answers, end } = scene(3_600_000);
  let tries = 0;
  behave(async () => {
    if (++tries < 3) throw away;
  });
  await write();
  while (written.length === 0) await pause(5);
  expect(answers).toEqual([away, away, undefined]);
  end();
});

test("taking back waits for the write under way, so that it lands last", async () => {
  const { write, withdraw, behave, state, written } = scene(3_600_000);
  const gate = Promise.withResolvers<void>();
  behave(() => gate.promise);
  const writing = write();
  state.wanted = 0;
  const withdrawing = withdraw(60_000);
  gate.resolve();
  await writing;
  expect(await withdrawing).toBeUndefined();
  expect(written).toEqual([1, 0]);
});

test("taking back cuts off a write that hangs", async () => {
  const { write, withdraw, behave, state, written } = scene(3_600_000);
  let first = true;
  behave(async (signal) => {
    if (!first) return;
    first = false;
    await untilAborted(signal);
  });
  void write();
  state.wanted = 0;
  expect(await withdraw(400)).toBeUndefined();
  expect(written).toEqual([0]);
});

test("taking back is tried until it is answered, and given up after its time", async () => {
  const { write, withdraw, behave, state, written } = scene(3_600_000);
  await write();
  state.wanted = 0;
  let tries = 0;
  behave(async () => {
    if (++tries === 1) throw away;
  });
  expect(await withdraw(60_000)).toBeUndefined();
  expect(written).toEqual([1, 0]);

  const never = scene(3_600_000);
  await never.write();
  never.state.wanted = 0;
  never.behave(untilAborted);
  expect((await never.withdraw(50))?.message).toContain("no answer");
});

test("taking back has time for another try where the first is never answered", async () => {
  const { write, withdraw, behave, state, written } = scene(3_600_000);
  await write();
  state.wanted = 0;
  let tries = 0;
  behave(async (signal) => {
    if (++tries === 1) await untilAborted(signal);
  });
  expect(await withdraw(withdrawMs)).toBeUndefined();
  expect(written).toEqual([1, 0]);
});

test("taking back is not tried again where the answer is no", async () => {
  const { write, withdraw, behave, state, answers } = scene(3_600_000);
  await write();
  state.wanted = 0;
  behave(async () => {
    throw refused;
  });
  expect(await withdraw(60_000)).toBe(refused);
  expect(answers).toHaveLength(2);
});

test("what is wanted again while it is taken back stays", async () => {
  const { write, withdraw, behave, state, written, end } = scene(3_600_000);
  await write();
  const gate = Promise.withResolvers<void>();
  behave(() => gate.promise);
  state.wanted = 0;
  const withdrawing = withdraw(200);
  state.wanted = 2;
  const again = write();
  gate.resolve();
  await again;
  await withdrawing;
  expect(written.at(-1)).toBe(2);
  state.wanted = 3;
  await write();
  expect(written.at(-1)).toBe(3);
  end();
});

test("after its end nothing is written, and nobody waits", async () => {
  const { write, end, written } = scene(1);
  end();
  await write();
  expect(written).toEqual([]);
});
