import { expect, test } from "bun:test";
import { lineWriter, maxWaitingLines } from "./line-writer.ts";

/** A pipe with room for some bytes. */
function pipe(room: number) {
  const writes: string[] = [];
  let retry: (() => void) | undefined;
  const ends = {
    room,
    fault: "EAGAIN",
    slept: 0,
    writes,
    text: () => writes.join(""),
    again() {
      const call = retry;
      retry = undefined;
      call?.();
    },
    line: lineWriter({
      write(bytes) {
        if (ends.room === 0) throw Object.assign(new Error(ends.fault), { code: ends.fault });
        const taken = Math.min(ends.room, bytes.length);
        ends.room -= taken;
        writes.push(Buffer.from(bytes.subarray(0, taken)).toString());
        return taken;
      },
      later(call) {
        expect(retry).toBeUndefined();
        retry = call;
      },
      // the third time the reader has made room
      sleep() {
        if (++ends.slept === 3) ends.room = 1_000_000;
      },
    }),
  };
  return ends;
}

test("each line is one write", () => {
  const { line, writes } = pipe(1000);
  line("one");
  line("two");
  expect(writes).toEqual(["one\n", "two\n"]);
});

test("lines that find no room wait, and go out in their order, each by itself", () => {
  const ends = pipe(4);
  for (const text of ["one", "two", "three"]) ends.line(text);
  expect(ends.writes).toEqual(["one\n"]);
  ends.again();
  ends.room = 1000;
  ends.line("four");
  expect(ends.writes).toEqual(["one\n"]);
  ends.again();
  ends.line("five");
  expect(ends.writes).toEqual(["one\n", "two\n", "three\n", "four\n", "five\n"]);
});

test("a line of which a part was taken goes on where it stopped", () => {
  const ends = pipe(2);
  ends.line("line");
  ends.line("next");
  ends.room = 1000;
  ends.again();
  expect(ends.text()).toBe("line\nnext\n");
});

test("beyond its bound whoever writes waits until the reader takes something, and no line is lost", () => {
  const ends = pipe(0);
  for (let i = 0; i < maxWaitingLines; i++) ends.line(String(i));
  expect(ends.slept).toBe(0);
  ends.line("last");
  expect(ends.slept).toBe(3);
  ends.again();
  expect(ends.text().split("\n")).toEqual([...Array(maxWaitingLines).keys(), "last", ""].map(String));
});

test("where nobody reads, nothing waits", () => {
  const ends = pipe(0);
  ends.fault = "EPIPE";
  ends.line("one");
  ends.room = 1000;
  ends.line("two");
  expect(ends.text()).toBe("two\n");
});
