import { describe, expect, test } from "bun:test";
import { deflateSync, gzipSync } from "node:zlib";
import type { Stream } from "../../h2/h2.ts";
import { breakOff, closeInbox, createInbox, endInbox, readInbox, receive } from "./inbox.ts";

const maxMessageBytes = 1000;

function message(text: string | Uint8Array, flag = 0): Buffer {
  const bytes = Buffer.from(text as string);
  const head = Buffer.from([flag, 0, 0, 0, 0]);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** @param eager asks for the next message as soon as one is there */
function listening({ eager = true, encoding = undefined as string | undefined } = {}) {
  const seen: string[] = [];
  const given = { credited: 0, released: 0, come: 0 };
  const stream = {
    credit: (bytes: number) => {
      given.credited += bytes;
    },
    release: (bytes: number) => {
      given.released += bytes;
    },
  } as Stream;
  const inbox = createInbox(stream, maxMessageBytes, encoding, {
    message(bytes, start, end) {
      seen.push(Buffer.from(bytes).toString("utf8", start, end));
      if (eager) readInbox(inbox);
    },
    finished: () => seen.push("end"),
    broken: ({ code, message }) => seen.push(`${code}: ${message}`),
  });
  if (eager) readInbox(inbox);
  const come = (bytes: Buffer): void => {
    given.come += bytes.length;
    receive(inbox, bytes, 0, bytes.length);
  };
  return { inbox, seen, given, come, read: () => readInbox(inbox), end: () => endInbox(inbox) };
}

describe("messages", () => {
  test("are cut out of bytes however they come", () => {
    const texts = ["", "a", "b".repeat(300), "", "c".repeat(999)];
    const all = Buffer.concat(texts.map((text) => message(text)));
    for (const size of [1, 2, 3, 4, 5, 6, 7, 100, 305, all.length]) {
      const { seen, given, come, end } = listening();
      for (let at = 0; at < all.length; at += size) come(Buffer.from(all.subarray(at, at + size)));
      end();
      expect(seen).toEqual([...texts, "end"]);
      expect(given).toEqual({ come: all.length, credited: all.length, released: all.length });
    }
  });

  test("wait until they are asked for, and hold the peer back meanwhile", () => {
    const { seen, given, come, read, end } = listening({ eager: false });
    come(Buffer.concat([message("a"), message("b")]));
    come(message("c"));
    end();
    expect([seen, given.credited]).toEqual([[], 0]);
    read();
    read();
    expect([seen, given.credited]).toEqual([["a", "b"], 0]);
    read();
    expect([seen, given.credited, given.released]).toEqual([["a", "b", "c", "end"], 18, 18]);
  });

  test("an unfinished one is credited as it comes, and held until it is whole", () => {
    const { given, come } = listening({ eager: false });
    come(message("x".repeat(900)).subarray(0, 500));
    expect(given.credited).toBe(500);
    expect(given.released).toBeLessThanOrEqual(0);
  });

  test("are held with the room that they take while they are in pieces, or wait", () => {
    const { inbox, given, come, read } = listening({ eager: false });
    const all = message("x".repeat(900));
    for (let at = 0; at < 400; at += 4) come(all.subarray(at, at + 4));
    expect(given.released).toBe(-512);
    come(all.subarray(400));
    for (let i = 0; i < 100; i++) come(message(""));
    expect(given.released).toBeLessThan(-1_405);
    for (let i = 0; i < 101; i++) read();
    closeInbox(inbox);
    expect([given.released, inbox.heldBytes]).toEqual([given.come, 0]);
  });

  test("that wait do not keep the chunk that they came in", () => {
    const { inbox, come } = listening({ eager: false });
    const chunk = message("small");
    come(chunk);
    expect(inbox.store.buffer === chunk.buffer).toBe(false);
  });

  test("are unpacked as their encoding says", () => {
    for (const [encoding, pack] of [["gzip", gzipSync] as const, ["deflate", deflateSync] as const]) {
      const { seen, come } = listening({ encoding });
      come(message(pack("packed"), 1));
      come(message("plain"));
      expect(seen).toEqual(["packed", "plain"]);
    }
  });
});

describe("what cannot be read", () => {
  const broken = (bytes: Buffer, encoding?: string): string[] => {
    const { seen, given, come, end } = listening({ ...(encoding === undefined ? {} : { encoding }) });
    come(message("good"));
    come(bytes);
    come(message("more"));
    end();
    expect([given.credited, given.released]).toEqual([given.come, given.come]);
    return seen;
  };

  test("breaks the inbox after what could be, and all is given back", () => {
    const bomb = message(gzipSync(Buffer.alloc(maxMessageBytes + 1)), 1);
    const cases: [string, string[]][] = [
      ["internal: unexpected payload format 2", broken(message("x", 2))],
      [
        "internal: a message is flagged as compressed, but no grpc-encoding was named",
        broken(message("x", 1), "identity"),
      ],
      [
        "unimplemented: a message is compressed by an encoding that is not known: br",
        broken(message("x", 1), "br"),
      ],
      ["resource_exhausted: received message that unpacks to more than 1000 bytes", broken(bomb, "gzip")],
      [
        "resource_exhausted: received message larger than max (1001 vs 1000)",
        broken(message("x".repeat(1001))),
      ],
    ];
    for (const [why, seen] of cases) expect(seen).toEqual(["good", why]);
    expect(broken(message("no gzip"), "gzip")).toContain("no gzip");
    expect(broken(message("no gzip", 1), "gzip")[1]).toStartWith("internal: a message cannot be unpacked: ");
  });

  test("a claim is refused before its bytes come", () => {
    const { seen, come } = listening();
    come(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]));
    expect(seen).toEqual(["resource_exhausted: received message larger than max (4294967295 vs 1000)"]);
  });

  test("an end inside a message is internal", () => {
    for (const length of [1, 5, 7]) {
      const { seen, come, end } = listening();
      come(message("cut off").subarray(0, length));
      end();
      expect(seen).toEqual(["internal: the last message is cut off"]);
    }
  });
});

test("a closed inbox says nothing more and gives everything back", () => {
  const { inbox, seen, given, come, read, end } = listening({ eager: false });
  come(message("a"));
  come(message("b").subarray(0, 3));
  closeInbox(inbox);
  come(message("c"));
  read();
  end();
  expect(seen).toEqual([]);
  expect([given.credited, given.released]).toEqual([given.come, given.come]);
});

test("what came whole before the stream broke off is read, half a message is not", () => {
  const { inbox, seen, come, read } = listening({ eager: false });
  come(message("one"));
  come(message("two"));
  come(message("three").subarray(0, 7));
  breakOff(inbox);
  expect(seen).toEqual([]);
  read();
  read();
  expect(seen).toEqual(["one", "two", "end"]);
});
