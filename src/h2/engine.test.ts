import { describe, expect, test } from "bun:test";
import {
  fieldsOf,
  hearing,
  join,
  prefaceText,
  rawPeer,
  requestFields,
  requestFrame,
  setting,
  settle,
  wireEnd,
} from "../../test/h2-wire.ts";
import { frame, uint32s } from "../../test/raw-http2.ts";
import { MicrorunError } from "../errors.ts";
import { http2Engine } from "./engine.ts";
import { type Accept, errorCodes, listBytes, type Stream, type StreamListener } from "./h2.ts";

const ok = [":status", "200"];

/** Sends back what it hears, as it is let. */
const echo: Accept = (stream) => {
  stream.send(ok);
  return {
    data(bytes, start, end) {
      const done = (): void => {
        stream.credit(end - start);
        stream.release(end - start);
      };
      if (stream.write(Buffer.from(bytes.subarray(start, end)))) done();
      else void stream.ready()?.then(done);
    },
    end: () => stream.endWith(["x-end", "yes"]),
    reset() {},
  };
};

/** Answers nothing. */
const silent: StreamListener = { data() {}, end() {}, reset() {} };

function post(client: ReturnType<typeof join>["client"], own?: readonly string[]) {
  const heard = hearing((): Stream => stream);
  const stream: Stream = client.request(heard, requestFields, own);
  return { heard, stream };
}

describe("a request", () => {
  test("is answered with head, body and trailers", async () => {
    const { client } = join(echo);
    const { heard, stream } = post(client, ["x-own", "1"]);
    stream.write(Buffer.from("ell"), Buffer.from("H"));
    stream.write(Buffer.from("o"));
    stream.end();
    await settle();
    expect(heard.heads.map(({ fields }) => fields)).toEqual([ok]);
    expect([heard.body(), heard.trailer()?.fields, heard.ended()]).toEqual(["Hello", ["x-end", "yes"], true]);
    expect([client.open, stream.closed]).toEqual([0, true]);
  });

  test("comes whole through pieces of any size, whatever the size of the windows", async () => {
    let seed = 1;
    const cut = (): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % 3 === 0 ? 1 : seed % 5_000;
    };
    for (const window of [65_536, 1_000, 7]) {
      const { client, engine } = join(echo, {
        cut,
        limits: { streamWindowBytes: window },
        clientLimits: { streamWindowBytes: window },
      });
      const text = "0123456789".repeat(window === 7 ? 50 : 10_000);
      const calls = [1, 2, 3].map(() => post(client));
      for (const { stream } of calls) {
        stream.write(Buffer.from(text));
        stream.end();
      }
      for (let i = 0; i < 200 && !calls.every(({ heard }) => heard.ended()); i++) await settle();
      for (const { heard } of calls) expect(heard.body() === text).toBe(true);
      expect(engine.heldBytes).toBe(0);
    }
  });

  test("repeated many times costs a few bytes of header", async () => {
    const { client, toServer } = join(echo);
    const sizes: number[] = [];
    const { write } = toServer;
    toServer.write = (bytes, offset, length) => {
      sizes.push(length);
      return write(bytes, offset, length);
    };
    await settle();
    for (let i = 0; i < 4; i++) {
      post(client).stream.end();
      await settle();
    }
    // HEADERS with seven indexes and an empty DATA
    expect(sizes.at(-1)).toBeLessThan(9 + requestFields.length / 2 + 9 + 1);
  });

  test("without a body ends with its head", async () => {
    let ended: boolean | undefined;
    const { client } = join((stream, _, isEnded) => {
      ended = isEnded;
      stream.endWith([":status", "204"]);
      return silent;
    });
    const heard = hearing();
    client.request(heard, requestFields, undefined, true);
    await settle();
    expect([ended, heard.ended(), client.open]).toEqual([true, true, 0]);
  });

  test("beyond the peer's limit waits for room, in order, and its writes with it", async () => {
    const asked: string[] = [];
    const streams: Stream[] = [];
    const { client } = join(
      (stream, { fields }) => {
        asked.push(fields.at(-1)!);
        streams.push(stream);
        return {
          ...silent,
          data: (bytes, start, end) => void asked.push(bytes.toString("latin1", start, end)),
        };
      },
      { limits: { maxStreams: 2 } },
    );
    const calls = ["a", "b", "c", "d"].map((name) => post(client, ["x-name", name]));
    calls[2]!.stream.write(Buffer.from("body of c"));
    calls[2]!.stream.end();
    await settle();
    expect([asked, client.open, client.waiting]).toEqual([["a", "b"], 2, 2]);
    streams[0]!.reset(errorCodes.noError);
    await settle();
    expect([asked, client.waiting, calls[3]!.stream.id]).toEqual([["a", "b", "c", "body of c"], 1, 0]);
    calls[3]!.stream.reset(errorCodes.cancel);
    expect(client.waiting).toBe(0);
  });

  test("is refused when too many wait, and says that it was not sent", async () => {
    const { client } = join(() => silent, { limits: { maxStreams: 1 }, clientLimits: { maxWaiting: 1 } });
    await settle();
    post(client);
    post(client);
    let error: unknown;
    try {
      post(client);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(MicrorunError);
    expect(error).toMatchObject({ code: "resource_exhausted", unsent: true });
  });
});

describe("a stream", () => {
  test("that is reset tells the other side its code", async () => {
    const heard = hearing();
    const { client } = join(() => heard);
    const { stream } = post(client);
    await settle();
    stream.reset(errorCodes.cancel);
    await settle();
    expect(heard.ending()).toMatchObject({ code: errorCodes.cancel, unsent: false });
  });

  test("that the peer refuses may be asked again", async () => {
    const { client } = join((stream) => {
      stream.reset(errorCodes.refusedStream);
      return silent;
    });
    const { heard } = post(client);
    await settle();
    expect(heard.ending()).toMatchObject({ unsent: true });
  });

  test("holds its writer back until the peer has read", async () => {
    const { client, engine } = join((stream) => hearing(() => stream, true), {
      limits: { streamWindowBytes: 1_000 },
    });
    const { stream } = post(client);
    await settle();
    expect(stream.write(Buffer.alloc(1_000))).toBe(true);
    expect(stream.write(Buffer.alloc(1))).toBe(false);
    let isReady = false;
    void stream.ready()?.then(() => {
      isReady = true;
    });
    await settle();
    expect([isReady, engine.heldBytes]).toEqual([false, 1_001]);
    stream.reset(errorCodes.cancel);
    await settle();
    expect([isReady, engine.heldBytes]).toEqual([true, 0]);
  });

  test("whose listener throws is reset, and the connection goes on", async () => {
    let calls = 0;
    const { client } = join((stream, request, ended) => {
      if (calls++ === 0) throw new Error("of the handler");
      return echo(stream, request, ended);
    });
    const first = post(client);
    await settle();
    expect(first.heard.ending()).toMatchObject({ code: errorCodes.internal });
    const second = post(client);
    second.stream.end();
    await settle();
    expect(second.heard.ended()).toBe(true);
  });

  test("sends no empty DATA before its trailers", async () => {
    const { say } = await rawPeer((stream) => {
      stream.send(ok);
      stream.write(Buffer.from("x"));
      stream.endWith(["x-end", "1"]);
      return silent;
    });
    const frames = await say(requestFrame(1));
    expect(frames.map(({ type, flags, payload }) => [type, flags, type === 0 ? payload.length : 0])).toEqual([
      [1, 4, 0],
      [0, 0, 1],
      [1, 5, 0],
    ]);
    expect(fieldsOf(frames[0]!)).toEqual(ok);
  });

  test("sends what it wrote in one turn as one frame", async () => {
    const { say } = await rawPeer((stream) => {
      stream.send(ok);
      for (let i = 0; i < 10; i++) stream.write(Buffer.from(String(i)));
      stream.end();
      return silent;
    });
    const frames = await say(requestFrame(1));
    expect(frames.map(({ type, flags }) => [type, flags])).toEqual([
      [1, 4],
      [0, 1],
    ]);
    expect(frames[1]!.payload.toString()).toBe("0123456789");
  });
});

describe("header lists that are sent again", () => {
  test("keep their meaning when the table changes between them", async () => {
    const got: (readonly string[])[] = [];
    const { client } = join((stream, { fields }) => {
      got.push(fields.slice(8));
      stream.endWith(ok);
      return silent;
    });
    const lists = ["one", "two", "three"].map((name) => [...requestFields, "x-list", name, `x-${name}`, "1"]);
    const order = [0, 0, 0, 1, 0, 1, 1, 2, 0, 1, 2, 2, 0];
    for (const i of order) {
      client.request(hearing(), lists[i]!, undefined, true);
      await settle();
    }
    expect(got).toEqual(order.map((i) => lists[i]!.slice(8)));
  });
});

describe("a header list larger than the peer takes", () => {
  /** Of as many bytes, as RFC 9113 §6.5.2 counts them. */
  const listOf = (bytes: number): string[] => ["x-large", "v".repeat(bytes - 32 - "x-large".length)];
  const limits = { maxHeaderListBytes: 1_000 };
  const left = 1_000 - listBytes(requestFields);

  test("fails its request alone, which nobody hears of", async () => {
    const asked: number[] = [];
    const { client } = join(
      (stream, { fields }) => {
        asked.push(listBytes(fields));
        stream.endWith(ok);
        return silent;
      },
      { limits },
    );
    await settle();
    for (const [shared, own] of [
      [requestFields, listOf(left + 1)],
      [[...requestFields, ...listOf(left + 1)], undefined],
    ] as const) {
      let error: unknown;
      try {
        client.request(hearing(), shared, own, true);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toMatchObject({
        code: "internal",
        message: "header list size to send violates the maximum size (1000 bytes) set by server",
        unsent: false,
      });
    }
    const heard = hearing();
    client.request(heard, requestFields, listOf(left), true);
    await settle();
    expect([asked, heard.ended(), client.open]).toEqual([[1_000], true, 0]);
  });

  test("is found out where the request waited for the peer to say what it takes", async () => {
    const { client } = join(echo, { limits });
    const calls = [listOf(left + 1), listOf(left), listOf(left + 1)].map((own) => post(client, own));
    for (const { stream } of calls) stream.end();
    await settle();
    expect(calls.map(({ heard }) => heard.ended())).toEqual([false, true, false]);
    expect(calls[0]!.heard.ending()).toMatchObject({ code: errorCodes.internal, unsent: false });
    expect([client.open, client.waiting, client.usable]).toEqual([0, 0, true]);
  });

  test("is not sent as a head, nor as trailers: the stream ends alone", async () => {
    const { client } = join(
      (stream, { fields }) => {
        if (fields.at(-1) === "head") stream.send(ok, listOf(1_000));
        else {
          stream.send(ok);
          stream.endWith([], listOf(fields.at(-1) === "trailers" ? 1_001 : 1_000));
        }
        return silent;
      },
      { clientLimits: limits },
    );
    await settle();
    const calls = ["head", "trailers", "neither"].map((name) => post(client, ["x-name", name]));
    await settle();
    expect(calls.map(({ heard }) => heard.ending()?.code)).toEqual([
      errorCodes.internal,
      errorCodes.internal,
      undefined,
    ]);
    expect(listBytes(calls[2]!.heard.trailer()!.fields)).toBe(1_000);
    expect(client.usable).toBe(true);
  });

  test("is one as soon as the peer says so, kept or not", async () => {
    const shared = [":status", "200", ...listOf(500)];
    const { say } = await rawPeer((stream) => {
      stream.endWith(shared);
      return silent;
    });
    const typesOf = async (id: number): Promise<number[]> =>
      (await say(requestFrame(id))).map(({ type }) => type);
    expect([await typesOf(1), await typesOf(3), await typesOf(5)]).toEqual([[1], [1], [1]]);
    await say(frame(4, 0, 0, setting(6, 541)));
    expect(await typesOf(7)).toEqual([3]);
    await say(frame(4, 0, 0, setting(6, 542)));
    expect(await typesOf(9)).toEqual([1]);
  });
});

describe("padding", () => {
  test("is credited by the engine, whatever the listener does", async () => {
    const heard = hearing(() => stream);
    let stream: Stream;
    const { say, goAway } = await rawPeer(
      (opened) => {
        stream = opened;
        return heard;
      },
      { limits: { streamWindowBytes: 1_000 } },
    );
    await say(requestFrame(1, false));
    const padded = Buffer.concat([Buffer.from([200]), Buffer.from("0123456789"), Buffer.alloc(200)]);
    for (let i = 0; i < 50; i++) await say(frame(0, 8, 1, padded));
    expect([heard.body().length, heard.ending(), goAway()]).toEqual([500, undefined, undefined]);
  });
});

describe("a socket that takes nothing", () => {
  test("holds writers back, though windows are open, and lets them go on", async () => {
    const windows = { streamWindowBytes: 10_000_000, connectionWindowBytes: 10_000_000 };
    const { client, toServer } = join((stream) => hearing(() => stream), { limits: windows });
    const { stream } = post(client);
    await settle();
    toServer.full = true;
    const bytes = Buffer.alloc(10_000);
    let written = 0;
    for (; stream.ready() === undefined && written < windows.streamWindowBytes; written += bytes.length)
      stream.write(bytes);
    expect(written).toBeLessThan(1_000_000);
    let isReady = false;
    void stream.ready()?.then(() => {
      isReady = true;
    });
    await settle();
    expect(isReady).toBe(false);
    toServer.full = false;
    client.writable();
    await settle();
    expect([isReady, stream.ready()]).toEqual([true, undefined]);
  });

  test("keeps a drained connection until it has taken the last answer", async () => {
    const { client, server, toClient } = join((stream) => ({
      ...silent,
      end() {
        stream.send(ok);
        stream.write(Buffer.from("last words"));
        stream.end();
      },
    }));
    const { heard, stream } = post(client);
    await settle();
    server.drain();
    await settle();
    toClient.full = true;
    stream.end();
    let isClosed = false;
    void server.closed.then(() => {
      isClosed = true;
    });
    await settle();
    expect([isClosed, toClient.ended]).toEqual([false, false]);
    toClient.full = false;
    server.writable();
    await settle();
    expect([heard.body(), heard.ended(), isClosed, toClient.ended]).toEqual(["last words", true, true, true]);
  });
});

describe("content-length", () => {
  const length = (bytes: number): Buffer => {
    const digits = Buffer.from(String(bytes));
    return Buffer.concat([
      Buffer.from("828684010161", "hex"),
      Buffer.from([0x0f, 0x0d, digits.length]),
      digits,
    ]);
  };
  test("that the body does not keep costs the stream", async () => {
    const heard = hearing();
    const { say } = await rawPeer(() => heard);
    await say(frame(1, 4, 1, length(3)), frame(0, 0, 1, Buffer.from("ab")));
    expect(heard.ending()).toBeUndefined();
    const answers = await say(frame(0, 1, 1, Buffer.from("cd")));
    expect(answers.map(({ type, payload }) => [type, payload.readUInt32BE(0)])).toEqual([
      [3, errorCodes.protocol],
    ]);
    expect(heard.ending()).toMatchObject({ code: errorCodes.protocol });
  });
  test("that the body keeps is fine", async () => {
    const heard = hearing();
    const { say } = await rawPeer(() => heard);
    await say(frame(1, 4, 1, length(3)), frame(0, 1, 1, Buffer.from("abc")));
    expect([heard.ended(), heard.body()]).toEqual([true, "abc"]);
  });
});

describe("draining", () => {
  test("a server lets streams end, refuses the next ones and closes", async () => {
    const streams: Stream[] = [];
    const { client, server } = join((stream) => {
      streams.push(stream);
      return silent;
    });
    const { heard } = post(client);
    await settle();
    server.drain();
    await settle();
    expect([client.usable, heard.ending()]).toEqual([false, undefined]);
    expect(() => post(client)).toThrow("takes no new requests");
    streams[0]!.endWith(ok);
    await settle();
    expect(heard.ended()).toBe(true);
    expect(streams.length).toBe(1);
  });

  test("a server takes what was on its way, and after the client's answer no more", async () => {
    let taken = 0;
    const { say, session } = await rawPeer(() => {
      taken += 1;
      return silent;
    });
    session.drain();
    const [goAway, ping] = await say();
    expect([goAway!.type, goAway!.payload.readUInt32BE(0), ping!.type]).toEqual([7, 0x7fffffff, 6]);
    await say(requestFrame(1));
    expect(taken).toBe(1);
    const [second] = await say(frame(6, 1, 0, ping!.payload), requestFrame(3));
    expect([second!.type, second!.payload.readUInt32BE(0), taken]).toEqual([7, 1, 1]);
    await say(frame(3, 0, 1, uint32s(errorCodes.cancel)));
    expect(await session.closed).toMatchObject({ reason: "drained" });
  });

  test("a client's streams that the server has not looked at may be asked again, the others not", async () => {
    const { client, toClient } = join(() => silent);
    const calls = [post(client), post(client)];
    await settle();
    toClient.reader!.receive(frame(7, 0, 0, uint32s(1, 0)));
    await settle();
    expect(calls.map(({ heard }) => heard.ending()?.unsent)).toEqual([undefined, true]);
    toClient.reader!.gone();
    expect(calls[0]!.heard.ending()?.unsent).toBe(false);
  });
});

describe("time", () => {
  const clocked = (limits: object) => {
    const clock = { now: 1 };
    return {
      clock,
      options: { limits, clientLimits: limits, engine: { now: () => clock.now, random: () => 0.5 } },
    };
  };

  test("a peer that says nothing is told so after the handshake's time, and then cut", async () => {
    const clock = { now: 1 };
    const engine = http2Engine({ now: () => clock.now });
    const end = wireEnd();
    const session = engine.serve(end, () => silent, { handshakeMs: 100 })!;
    session.receive(prefaceText);
    clock.now += 100;
    engine.sweep();
    expect(end.ended).toBe(false);
    clock.now += 1;
    engine.sweep();
    expect([end.ended, end.terminated]).toEqual([true, false]);
    expect((await session.closed).code).toBe(errorCodes.settingsTimeout);
    clock.now += 1_001;
    engine.sweep();
    expect(end.terminated).toBe(true);
  });

  test("a header block that does not end closes the connection", async () => {
    const { clock, options } = clocked({ handshakeMs: 100 });
    const { say, engine, goAway } = await rawPeer(() => silent, options);
    await say(frame(1, 1, 1, Buffer.from("82", "hex")));
    clock.now += 101;
    engine.sweep();
    await say();
    expect(goAway()).toBe(errorCodes.enhanceYourCalm);
  });

  test("a silent peer is pinged, and cut when it does not answer", async () => {
    const { clock, options } = clocked({ keepaliveMs: 100, keepaliveTimeoutMs: 50 });
    const { say, engine, session, end } = await rawPeer(() => silent, options);
    clock.now += 101;
    engine.sweep();
    const [ping] = await say();
    expect(ping!.type).toBe(6);
    await say(frame(6, 1, 0, ping!.payload));
    clock.now += 60;
    engine.sweep();
    expect(end.terminated).toBe(false);
    clock.now += 50;
    engine.sweep();
    clock.now += 51;
    engine.sweep();
    expect([end.terminated, (await session.closed).reason]).toEqual([true, "no answer to a PING"]);
  });

  test("a connection drains at its age, and when it has been idle", async () => {
    for (const limits of [{ maxAgeMs: 1_000 }, { idleMs: 1_000 }]) {
      const { clock, options } = clocked(limits);
      const { client, engine } = join(() => silent, { ...options, clientLimits: {} });
      await settle();
      clock.now += 999;
      engine.sweep();
      await settle();
      expect(client.usable).toBe(true);
      clock.now += 3;
      engine.sweep();
      await settle();
      expect(client.usable).toBe(false);
    }
  });

  test("streams that outlive the grace of an old connection are cut", async () => {
    const { clock, options } = clocked({ maxAgeMs: 1_000, ageGraceMs: 100 });
    const { session, engine, say } = await rawPeer(() => silent, options);
    await say(requestFrame(1, false));
    clock.now += 1_001;
    engine.sweep();
    clock.now += 101;
    engine.sweep();
    expect((await session.closed).reason).toBe("too old");
  });

  test("a stream whose window stays closed is given up", async () => {
    const { clock, options } = clocked({ stallMs: 100 });
    const heard = hearing();
    const { say, engine } = await rawPeer(
      (stream) => {
        stream.send(ok);
        stream.write(Buffer.alloc(10));
        return heard;
      },
      { ...options, settings: frame(4, 0, 0, setting(4, 0)) },
    );
    await say(requestFrame(1));
    expect(engine.heldBytes).toBe(10);
    clock.now += 101;
    engine.sweep();
    expect([heard.ending()?.reason, engine.heldBytes]).toEqual(["the peer does not read", 0]);
  });
});
