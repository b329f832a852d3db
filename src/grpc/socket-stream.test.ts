import { expect, test } from "bun:test";
import type { Duplex } from "node:stream";
import type { OpenSocket } from "../h2/h2.ts";
import { socketStream } from "./socket-stream.ts";

/** @param takes how many bytes each write takes; -1: it is closed */
function opened(takes: number[] = [], peer = "127.0.0.1:7") {
  const said: string[] = [];
  const socket: OpenSocket = {
    peer,
    protocol: undefined,
    write(bytes, offset, length) {
      const taken = takes.length === 0 ? length : Math.min(length, takes.shift()!);
      if (taken > 0) said.push(Buffer.from(bytes.subarray(offset, offset + taken)).toString());
      return taken;
    },
    end: () => void said.push("end"),
    terminate: () => void said.push("terminate"),
    pause: () => void said.push("pause"),
    resume: () => void said.push("resume"),
  };
  let stream: Duplex | undefined;
  const user = socketStream(socket, true, (made) => {
    stream = made;
  });
  return { said, user, stream: stream! };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("what the socket does not take is offered again, in order, and its end comes last", async () => {
  const { said, user, stream } = opened([2, 0, 1]);
  stream.write("abcd");
  stream.end("ef");
  user.writable();
  expect(said).toEqual(["ab"]);
  user.writable();
  user.writable();
  await turn();
  expect(said).toEqual(["ab", "c", "d", "ef", "end"]);
  user.gone();
});

test("a reader that falls behind stops the socket, and starts it again", async () => {
  const { said, user, stream } = opened();
  user.receive(Buffer.alloc(100_000, "x"));
  expect(said).toContain("pause");
  said.length = 0;
  let read = 0;
  stream.on("data", ({ length }: Buffer) => {
    read += length;
  });
  await turn();
  expect(read).toBe(100_000);
  expect(said).toContain("resume");
  user.gone();
});

test("a socket that has closed ends the stream, and fails what is written to it", async () => {
  const { user, stream } = opened([-1]);
  const failed = new Promise<unknown>((resolve) => stream.write("a", resolve));
  expect(await failed).toBeInstanceOf(Error);
  user.gone();
  await turn();
  expect(stream.destroyed).toBe(true);
});

test("the other end is known as node:net knows it", () => {
  const { stream, user } = opened([], "[::1]:7");
  expect(stream).toMatchObject({ remoteAddress: "::1", remotePort: 7, encrypted: true });
  user.gone();
  const local = opened([], "");
  expect(Object.hasOwn(local.stream, "remoteAddress")).toBe(false);
  local.user.gone();
});
