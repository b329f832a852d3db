/** The two load generators: grpc-go's client, and keep-alive HTTP/1.1 connections of this process. */
import type { Children } from "./children.ts";
import { jsonRequest } from "./first-reply.ts";

export interface Load {
  readonly count: number;
  readonly rate: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

export interface LoadOptions {
  readonly port: number;
  readonly concurrency: number;
  readonly seconds: number;
  /** gRPC: metadata that differs in each call. @default false */
  readonly uniqueMetadata?: boolean;
}

/** What a load may take beyond its own time. */
const graceMs = 10_000;

/** On one connection, by the Go client: the fastest at hand, so that the server is what is measured. */
export async function grpcLoad(client: string, children: Children, options: LoadOptions): Promise<Load> {
  const command = [
    client,
    "load",
    `--address=127.0.0.1:${options.port}`,
    `--concurrency=${options.concurrency}`,
  ];
  command.push(`--duration=${options.seconds}s`);
  if (options.uniqueMetadata) command.push("--unique-metadata");
  const said = JSON.parse(await children.run(command, options.seconds * 1000 + graceMs)) as {
    count: number;
    errors: Record<string, number>;
    rate: number;
    p50: number;
    p99: number;
  };
  if (Object.keys(said.errors).length > 0) throw new Error(`calls failed: ${JSON.stringify(said.errors)}`);
  return { count: said.count, rate: said.rate, p50Us: said.p50, p99Us: said.p99 };
}

/** One request at a time on each of `concurrency` connections. */
export async function jsonLoad({ port, concurrency, seconds }: LoadOptions): Promise<Load> {
  const micros: number[] = [];
  const start = performance.now();
  const end = start + seconds * 1000;
  await Promise.all(Array.from({ length: concurrency }, () => connection(port, end, micros)));
  const elapsed = (performance.now() - start) / 1000;
  micros.sort((a, b) => a - b);
  const at = (share: number): number => micros[Math.ceil(share * micros.length) - 1] ?? 0;
  return { count: micros.length, rate: micros.length / elapsed, p50Us: at(0.5), p99Us: at(0.99) };
}

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
