/** What a client makes of the answers of servers, good and bad. */
import { describe, expect, test } from "bun:test";
import { type Heard, hearing, requestFields, wireEnd } from "../../test/h2-wire.ts";
import { frame, uint32s } from "../../test/raw-http2.ts";
import { http2Engine } from "./engine.ts";
import { type ClientSession, errorCodes } from "./h2.ts";
import { hpackEncoder } from "./hpack-encoder.ts";

interface Client {
  readonly session: ClientSession;
  readonly heard: Heard;
  /** The server's frames. */
  readonly hear: (...frames: readonly Buffer[]) => void;
}

/** With one request open, whose stream is 1. */
function client(method = "POST"): Client {
  const session = http2Engine().connect(wireEnd());
  const hear = (...frames: readonly Buffer[]): void => {
    for (const said of frames) session.receive(said);
  };
  hear(frame(4, 0, 0), frame(4, 1, 0));
  const heard = hearing();
  session.request(heard, [":method", method, ...requestFields.slice(2)], undefined, true);
  return { session, heard, hear };
}

function head(fields: readonly string[], ends = false): Buffer {
  const bytes = Buffer.alloc(1_000);
  const encoder = hpackEncoder(false);
  let at = 0;
  // nothing is sent twice, so that nothing is indexed: each head stands alone
  for (let i = 0; i < fields.length; i += 2) at = encoder.field(bytes, at, fields[i]!, fields[i + 1]!, false);
  return frame(1, ends ? 5 : 4, 1, bytes.subarray(0, at));
}

const body = (text: string, ends = false): Buffer => frame(0, ends ? 1 : 0, 1, Buffer.from(text));

describe("a client", () => {
  test("hears informational heads before the last", () => {
    const { heard, hear } = client();
    hear(head([":status", "103", "link", "x"]), head([":status", "200"]), body("hi", true));
    expect(heard.heads.map(({ fields }) => fields[1])).toEqual(["103", "200"]);
    expect([heard.body(), heard.ended()]).toEqual(["hi", true]);
  });

  test("gives up a stream whose answer is malformed, and no other", () => {
    const wrong: Record<string, readonly Buffer[]> = {
      "no status": [head(["server", "x"])],
      "a status of two digits": [head([":status", "20"])],
      "a request's field": [head([":status", "200", ":path", "/"])],
      "a field of connections": [head([":status", "200", "connection", "close"])],
      "an informational head that ends": [head([":status", "100"], true)],
      "a body before its head": [body("x")],
      "trailers that do not end": [head([":status", "200"]), head(["x-end", "1"])],
      "a status among trailers": [head([":status", "200"]), head([":status", "200"], true)],
      "a body longer than its length": [head([":status", "200", "content-length", "1"]), body("ab")],
      "a body shorter than its length": [head([":status", "200", "content-length", "3"]), body("ab", true)],
      "a length that is none": [head([":status", "200", "content-length", "+3"])],
    };
    for (const [what, frames] of Object.entries(wrong)) {
      const { session, heard, hear } = client();
      hear(...frames);
      expect([what, heard.ending()?.code, session.usable]).toEqual([what, errorCodes.protocol, true]);
    }
  });

  test("takes the length of an answer without body for what it is", () => {
    for (const [method, status] of [
      ["HEAD", "200"],
      ["GET", "304"],
    ] as const) {
      const { heard, hear } = client(method);
      hear(head([":status", status, "content-length", "10"], true));
      expect([heard.ended(), heard.ending()]).toEqual([true, undefined]);
    }
  });

  test("closes a connection whose server breaks the protocol", async () => {
    const wrong: Record<string, Buffer> = {
      "a push": frame(5, 4, 1, Buffer.alloc(5)),
      "an answer that nobody asked for": frame(1, 5, 3, Buffer.from([0x88])),
      "a server that allows pushes": frame(4, 0, 0, Buffer.from("000200000001", "hex")),
      "a reset of what was never opened": frame(3, 0, 7, uint32s(0)),
    };
    for (const [what, said] of Object.entries(wrong)) {
      const { session, heard, hear } = client();
      hear(said);
      expect([what, (await session.closed).code]).toEqual([what, errorCodes.protocol]);
      expect(heard.ending()).toBeDefined();
    }
  });

  test("lets what comes late for a stream that it gave up pass", () => {
    const { session, heard, hear } = client();
    const second = hearing();
    const stream = session.request(second, requestFields);
    stream.reset(errorCodes.cancel);
    hear(
      frame(1, 4, 3, Buffer.from([0x88])),
      frame(0, 0, 3, Buffer.from("late")),
      frame(3, 0, 3, uint32s(8)),
    );
    hear(head([":status", "200"], true));
    expect([session.usable, second.ending(), heard.ended()]).toEqual([true, undefined, true]);
  });
});
