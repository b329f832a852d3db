/** How long a connection to the HTTP/2 engine may have nothing to say. */
import { expect, test } from "bun:test";
import { connect } from "node:http2";
import { type AddressInfo, createServer } from "node:net";
import { createEngine } from "../src/grpc/js/engine.ts";
import { defaultServerLimits } from "../src/transport/transport.ts";

const idleMs = 150;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test("a connection without streams is told to go and closed; one with a stream stays until it is over", async () => {
  const engine = createEngine({
    maxMessageBytes: 1024,
    limits: { ...defaultServerLimits, idleMs },
    full: () => false,
    readHead: () => undefined,
    call: () => {
      throw new Error("no call is expected");
    },
    other: (stream) => {
      stream.on("error", () => {});
      stream.respond({ ":status": 200 });
      stream.on("data", () => {});
      stream.on("end", () => stream.end("over"));
    },
  });
  const server = createServer(engine.accept);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const open = () => {
    const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const state = { session, goaways: [] as number[], closed: false, over: Promise.withResolvers<void>() };
    session.on("error", () => {});
    session.on("goaway", (code) => state.goaways.push(code));
    session.on("close", () => {
      state.closed = true;
      state.over.resolve();
    });
    return state;
  };
  const silent = open();
  const busy = open();
  const stream = busy.session.request({ ":method": "POST", ":path": "/" });
  await new Promise((resolve) => stream.once("response", resolve));

  await silent.over.promise;
  expect(silent.goaways[0]).toBe(0);
  await wait(idleMs * 2.5);
  expect([busy.closed, busy.goaways]).toEqual([false, []]);

  const body: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => body.push(chunk));
  const ended = new Promise((resolve) => stream.once("close", resolve));
  stream.end();
  await ended;
  expect(Buffer.concat(body).toString()).toBe("over");
  const since = performance.now();
  await busy.over.promise;
  expect(performance.now() - since).toBeGreaterThan(idleMs * 0.9);
  expect(busy.goaways[0]).toBe(0);
  await engine.closed();
  await new Promise((resolve) => server.close(resolve));
});
