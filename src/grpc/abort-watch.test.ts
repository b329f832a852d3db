import { expect, test } from "bun:test";
import { type Abortable, createAbortWatch } from "./abort-watch.ts";

test("an abort ends the calls of its signal that are under way, and no others", () => {
  const watch = createAbortWatch();
  const said: string[] = [];
  const naming = (name: string): Abortable => ({ aborted: () => void said.push(name) });
  const [one, other] = [new AbortController(), new AbortController()];
  const [a, b, c] = [naming("a"), naming("b"), naming("c")];
  watch.add(one.signal, a);
  watch.add(other.signal, b);
  watch.add(one.signal, c);
  watch.remove(one.signal, a);
  one.abort();
  expect(said).toEqual(["c"]);
  other.abort();
  expect(said).toEqual(["c", "b"]);
});

test("a signal has one listener, however many calls it ends", () => {
  const watch = createAbortWatch();
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  signal.addEventListener = ((...listening: Parameters<typeof add>) => {
    listeners++;
    add(...listening);
  }) as typeof add;
  for (let i = 0; i < 3; i++) {
    const one = { aborted() {} };
    watch.add(signal, one);
    watch.add(new AbortController().signal, one);
    watch.remove(signal, one);
  }
  expect(listeners).toBe(1);
});

test("calls that end with their signal may leave while the others hear of it", () => {
  const watch = createAbortWatch();
  const said: string[] = [];
  const controller = new AbortController();
  for (const name of ["a", "b", "c"]) {
    const one = {
      aborted() {
        said.push(name);
        watch.remove(controller.signal, one);
      },
    };
    watch.add(controller.signal, one);
  }
  controller.abort();
  expect(said).toEqual(["a", "b", "c"]);
});
