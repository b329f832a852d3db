import { expect, test } from "bun:test";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { gatherWrites } from "./gather.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A socket that keeps what it was given, write by write; a slow one has not sent it yet. */
function openSocket({ slow = false } = {}) {
  const written: string[] = [];
  const waiting: (() => void)[] = [];
  const stream = new Duplex({
    read() {},
    write(bytes: Buffer, _, done) {
      written.push(bytes.toString());
      if (slow) waiting.push(done);
      else done();
    },
  });
  const destroySoon = (): void => void stream.end(() => stream.destroy());
  return { socket: Object.assign(stream, { destroySoon }) as unknown as Socket, written, waiting };
}

test("writes of one turn leave together, in order, and those of the next after them", async () => {
  const { socket, written } = openSocket();
  const gathered = gatherWrites(socket);
  for (const text of ["a", "b", "c"]) gathered.write(text);
  expect(written).toEqual([]);
  await turn();
  expect(written).toEqual(["abc"]);
  gathered.write("d");
  await turn();
  expect(written).toEqual(["abc", "d"]);
});

test("many bytes do not wait for the turn's end", () => {
  const { socket, written } = openSocket();
  const gathered = gatherWrites(socket);
  gathered.write("a");
  gathered.write("b".repeat(65_535));
  expect(written.map((text) => text.length)).toEqual([65_536]);
});

test("what was written leaves before an end and before a destroy", async () => {
  for (const finish of ["end", "destroy"] as const) {
    const { socket, written } = openSocket();
    const gathered = gatherWrites(socket);
    const finished = new Promise((resolve) => socket.once("finish", resolve));
    gathered.write("goaway");
    gathered[finish]();
    await finished;
    expect(written).toEqual(["goaway"]);
  }
});

test("a socket that does not drain holds its writer back, and lets it go on when it does", async () => {
  const { socket, written, waiting } = openSocket({ slow: true });
  const gathered = gatherWrites(socket);
  gathered.write("a".repeat(100_000));
  let taken = false;
  gathered.write("b", () => {
    taken = true;
  });
  await turn();
  expect(taken).toBe(false);
  while (waiting.length > 0) {
    waiting.shift()?.();
    await turn();
  }
  expect(taken).toBe(true);
  await turn();
  expect(written.map((text) => text.at(-1))).toEqual(["a", "b"]);
});

test("what comes in is passed on, to its end", async () => {
  const { socket } = openSocket();
  const gathered = gatherWrites(socket);
  socket.push("hello");
  socket.push(null);
  const chunks: Buffer[] = [];
  for await (const chunk of gathered) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toBe("hello");
});
