/** Keep-alive HTTP/1.1 connections of this process, each with one call in JSON under way. */
import { jsonRequest } from "./first-reply.ts";
import { type Generator, graceMs } from "./load.ts";

/** One request at a time on each of them. */
export const jsonLoad =
  (connections: number): Generator =>
  async ({ port, seconds }) => {
    const micros: number[] = [];
    const start = performance.now();
    const end = start + seconds * 1000;
    await Promise.all(Array.from({ length: connections }, () => connection(port, end, micros)));
    const elapsed = (performance.now() - start) / 1000;
    micros.sort((a, b) => a - b);
    const at = (share: number): number => micros[Math.ceil(share * micros.length) - 1] ?? 0;
    return { count: micros.length, rate: micros.length / elapsed, p50Us: at(0.5), p99Us: at(0.99) };
  };

function connection(port: number, end: number, micros: number[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let sent = 0;
  let pending = Buffer.alloc(0);
  let length = 0; // of the last answer: the next is as long, and need not be parsed
  let over = false;
  const send = (socket: Bun.Socket): void => {
    sent = performance.now();
    if (socket.write(jsonRequest) !== jsonRequest.length) fail("cannot write a request at once");
  };
  const fail = (why: string): void => {
    over = true;
    reject(new Error(`http load: ${why}`));
  };
  const timer = setTimeout(() => fail("no end in time"), end - performance.now() + graceMs);
  Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: send,
      data(socket, chunk) {
        const answer = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
        if (answer.length !== length) length = answerLength(answer);
        pending = answer.length < length ? Buffer.from(answer) : Buffer.alloc(0);
        if (pending.length > 0) return;
        if (answer.length > length) return fail("answered more than was asked");
        if (answer.toString("latin1", 9, 12) !== "200")
          return fail(`answered ${answer.toString("latin1", 0, 200)}`);
        const now = performance.now();
        micros.push((now - sent) * 1000);
        if (now < end) return send(socket);
        over = true;
        socket.end();
        resolve();
      },
      close: () => {
        if (!over) fail("the server closed the connection");
      },
      error: (_, error) => fail(error.message),
      connectError: (_, error) => fail(error.message),
    },
  }).catch((error: Error) => fail(error.message));
  return promise.finally(() => clearTimeout(timer));
}

/** Of the whole answer, as its head says; infinite while the head, or the last chunk, has not come. */
function answerLength(answer: Buffer): number {
  const headEnd = answer.indexOf("\r\n\r\n");
  if (headEnd < 0) return Number.POSITIVE_INFINITY;
  const head = answer.toString("latin1", 0, headEnd);
  const body = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (body !== undefined) return headEnd + 4 + Number(body);
  const last = answer.indexOf("\r\n0\r\n\r\n", headEnd);
  return last < 0 ? Number.POSITIVE_INFINITY : last + 7;
}
