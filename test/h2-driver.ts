/** Both roles of the HTTP/2 engine over node:net, run under Deno by a test: prints what came back. */
import { http2Engine } from "../src/h2/engine.ts";
import type { Stream } from "../src/h2/h2.ts";
import { nodeSockets } from "../src/h2/node-sockets.ts";
import { echo } from "./h2-echo.ts";
import { hearing, requestFields } from "./h2-wire.ts";

const sockets = nodeSockets();
const engine = http2Engine({ fault: console.error });
const listener = await sockets.listen({
  address: "127.0.0.1:0",
  open: (socket) => engine.serve(socket, echo),
});
const client = await sockets.connect({
  address: listener.address,
  open: (socket) => engine.connect(socket),
});
await client.settled;
const toEcho = requestFields.map((text) => (text === "/" ? "/echo" : text));
const bytes = new TextEncoder().encode("0123456789".repeat(100_000));
const calls = Array.from({ length: 10 }, () => {
  const heard = hearing((): Stream => stream);
  const stream: Stream = client.request(heard, toEcho);
  stream.write(bytes);
  stream.end();
  return heard;
});
client.drain();
const { reason } = await client.closed;
await listener[Symbol.asyncDispose]();
await engine[Symbol.asyncDispose]();
const whole = calls.filter(({ body, ended }) => ended() && body().length === bytes.length).length;
console.log(`${whole} whole, ${reason}, ${engine.heldBytes} bytes held`);
