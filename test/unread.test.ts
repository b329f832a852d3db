/** Messages that nobody has read yet when their stream breaks off. */
import { expect, test } from "bun:test";
import { caller, failure } from "../src/transport/peer.contract.ts";
import { frame as message } from "./grpc-frames.ts";
import { frame, frameTypes, rawServer, uint32s } from "./raw-http2.ts";
import { ownTransport } from "./transports.ts";

/** `:status: 200`, and literals that no table takes (RFC 7541 §6.2.2). */
const head = Buffer.concat([Buffer.from([0x88]), literal("content-type", "application/grpc")]);

function literal(name: string, value: string): Buffer {
  const text = (of: string): Buffer => Buffer.concat([Buffer.from([of.length]), Buffer.from(of)]);
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

/** Protobuf of `string text = 1`. */
const encoded = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0x0a, text.length]), Buffer.from(text)]);

test("messages that came before their stream was reset are read, and then the call fails", async () => {
  const sent = Promise.withResolvers<void>();
  await using server = await rawServer((socket, stream) => {
    socket.write(frame(frameTypes.headers, 4, stream, head));
    const body = ["a", "b", "c"].map((text) => message(encoded(text)));
    socket.write(frame(frameTypes.data, 0, stream, Buffer.concat(body)));
    socket.write(frame(frameTypes.reset, 0, stream, uint32s(2)), () => sent.resolve());
  });
  const { transport } = ownTransport();
  await using connection = transport.connect(server.address);
  const replies = (await caller(connection)("Down", { text: "" })) as AsyncIterable<{ text: string }>;
  await sent.promise;
  // the client has heard it by then
  await new Promise((resolve) => setTimeout(resolve, 50));
  const seen: string[] = [];
  const error = await failure(
    (async () => {
      for await (const { text } of replies) seen.push(text);
    })(),
  );
  expect(seen).toEqual(["a", "b", "c"]);
  expect(error.code).toBe("internal");
});
