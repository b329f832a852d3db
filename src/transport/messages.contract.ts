/** Of the transport's contract: messages and metadata arrive, of any kind and size, at any speed. */
import { expect, test } from "bun:test";
import type { Call } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import {
  type Answer,
  aborted,
  count,
  failure,
  forever,
  type Message,
  type Messages,
  type Open,
  outgoing,
  type Setup,
  settled,
  texts,
} from "./peer.contract.ts";

export function messagesContract({ dropsUnread = false }: Setup, open: Open): void {
  test("a unary call brings its message and its reply", async () => {
    await using peer = await open({
      Unary: ({ text, data }: Message) => ({ text: `${text}!`, data: data?.toReversed() }),
    });
    const reply = (await peer.call("Unary", { text: "hé", data: new Uint8Array([1, 2]) })) as Message;
    expect(reply.text).toBe("hé!");
    expect([...(reply.data ?? [])]).toEqual([2, 1]);
  });

  test("a server streams its replies", async () => {
    await using peer = await open({ Down: ({ text }: Message) => count(3, text) });
    expect(await texts(peer.call("Down", { text: "n" }))).toEqual(["n0", "n1", "n2"]);
  });

  test.each(dropsUnread ? [] : ["Down", "Both"])(
    "messages of %s that came before an error are read before it",
    async (kind) => {
      let made = 0;
      const answer: Answer = async function* () {
        for (; made < 5; made++) yield { text: `n${made}` };
        throw new MicrorunError("not_found", "no more");
      };
      await using peer = await open({ Down: answer, Both: answer });
      // the requests do not end: the answer does not wait for that
      const request = kind === "Down" ? { text: "" } : forever();
      const replies = ((await peer.call(kind, request)) as Messages)[Symbol.asyncIterator]();
      const seen = [(await replies.next()).value?.text];
      // all of it has come by then
      await settled(() => made);
      const error = await failure(
        (async () => {
          for (;;) seen.push((await replies.next()).value?.text);
        })(),
      );
      expect(seen).toEqual(["n0", "n1", "n2", "n3", "n4"]);
      expect(error).toMatchObject({ code: "not_found", message: "no more" });
    },
  );

  test("a client streams its requests", async () => {
    await using peer = await open({
      Up: async (requests: Messages) => ({ text: (await texts(requests)).join("") }),
    });
    expect(await peer.call("Up", count(3, "n"))).toMatchObject({ text: "n0n1n2" });
  });

  test("both stream, answering one another", async () => {
    await using peer = await open({
      Both: async function* (requests: Messages) {
        for await (const { text } of requests) yield { text: `re ${text}` };
      },
    });
    const sent = new TransformStream<Message, Message>();
    const writer = sent.writable.getWriter();
    const replies = ((await peer.call("Both", sent.readable)) as Messages)[Symbol.asyncIterator]();
    for (const text of ["a", "b"]) {
      void writer.write({ text });
      expect((await replies.next()).value).toMatchObject({ text: `re ${text}` });
    }
    void writer.close();
    expect((await replies.next()).done).toBe(true);
  });

  test("empty streams end", async () => {
    await using peer = await open({
      Down: () => [],
      Up: async (requests: Messages) => ({ text: `${(await texts(requests)).length}` }),
    });
    expect(await texts(peer.call("Down", { text: "" }))).toEqual([]);
    expect(await peer.call("Up", count(0))).toMatchObject({ text: "0" });
  });

  test("a method without a schema is called in JSON, and one with a schema may be", async () => {
    await using peer = await open({
      Echo: (request: unknown) => ({ got: request }),
      Unary: ({ text }: Message) => ({ text: `${text}!` }),
    });
    const ask = (service: string, method: string, request: unknown) =>
      peer.connection.dispatch(outgoing({ service, method, request }));
    expect(await ask("Plain", "Echo", { a: [1, null, { b: "ü" }] })).toEqual({
      got: { a: [1, null, { b: "ü" }] },
    });
    expect(await ask("contract.Kinds", "Unary", { text: "x" })).toEqual({ text: "x!" });
  });

  test("a service is found by the text after its last dot", async () => {
    await using peer = await open({
      Unary: ({ text }: Message, call) => ({ text: `${call.service} ${text}` }),
    });
    for (const service of ["other.Kinds", "Kinds", ".Kinds"])
      expect(await peer.call("Unary", { text: "x" }, { service })).toMatchObject({
        text: "contract.Kinds x",
      });
  });

  test("metadata travels both ways, binary too", async () => {
    let seen: Headers | undefined;
    await using peer = await open({
      Unary: (_, call) => {
        seen = call.metadata;
        call.reply?.header.set("x-head", "first");
        call.reply?.trailer.set("x-tail", "last");
        call.reply?.trailer.set("sum-bin", "AQID");
        return { text: "" };
      },
    });
    const reply = { header: new Headers(), trailer: new Headers() };
    const metadata = new Headers({ "X-Foo": "Bar", "trace-bin": "AP8=", "content-type": "text/plain" });
    metadata.append("x-many", "1");
    metadata.append("x-many", "2");
    await peer.call("Unary", { text: "" }, { metadata, reply });
    expect(seen?.get("x-foo")).toBe("Bar");
    expect(seen?.get("x-many")).toBe("1, 2");
    expect(Buffer.from(seen?.get("trace-bin") ?? "", "base64")).toEqual(Buffer.from([0, 255]));
    expect(reply.header.get("x-head")).toBe("first");
    expect(reply.trailer.get("x-tail")).toBe("last");
    expect(Buffer.from(reply.trailer.get("sum-bin") ?? "", "base64")).toEqual(Buffer.from([1, 2, 3]));
  });

  test("a handler knows its caller and its deadline", async () => {
    let seen: Call | undefined;
    await using peer = await open({
      Unary: (_, call) => {
        seen = call;
        return { text: "" };
      },
    });
    const deadline = Date.now() + 5000;
    await peer.call("Unary", { text: "" }, { deadline });
    expect(seen?.deadline).toBeWithin(deadline - 500, deadline + 500);
    expect(seen?.type?.name).toBe("Unary");
    await peer.call("Unary", { text: "" });
    expect(seen?.deadline).toBeUndefined();
  });

  test("many calls at once do not mix", async () => {
    await using peer = await open({
      Unary: async ({ text }: Message) => {
        await new Promise((resolve) => setTimeout(resolve, Number(text) % 5));
        return { text: `re ${text}` };
      },
    });
    const asked = Array.from({ length: 500 }, (_, i) => `${i}`);
    const replies = await Promise.all(asked.map((text) => peer.call("Unary", { text })));
    expect(replies.map((reply) => (reply as Message).text)).toEqual(asked.map((text) => `re ${text}`));
  });

  test("large messages arrive whole, too large ones are refused on either side", async () => {
    await using peer = await open({
      Unary: ({ text }: Message) => ({ text: text === "more" ? "x".repeat(5e6) : text }),
    });
    const large = "é".repeat(2e6);
    expect(((await peer.call("Unary", { text: large })) as Message).text === large).toBe(true);
    for (const text of ["x".repeat(5e6), "more"])
      expect(await failure(peer.call("Unary", { text }))).toMatchObject({ code: "resource_exhausted" });
    await using small = await open({ Unary: () => ({ text: "" }) }, { maxMessageBytes: 100 });
    expect(await failure(small.call("Unary", { text: "x".repeat(101) }))).toMatchObject({
      code: "resource_exhausted",
    });
  });

  test("a slow reader holds back the handler", async () => {
    let made = 0;
    await using peer = await open({
      Down: async function* () {
        for (; made < 1000; made++) yield { text: "x".repeat(100_000) };
      },
    });
    const replies = ((await peer.call("Down", { text: "" })) as Messages)[Symbol.asyncIterator]();
    await replies.next();
    await settled(() => made);
    expect(made).toBeLessThan(300);
    await replies.return?.();
  });

  test("a slow handler holds back the sender", async () => {
    let made = 0;
    await using peer = await open({
      Up: async (requests: Messages, call) => {
        await requests[Symbol.asyncIterator]().next();
        await aborted(call.signal);
      },
    });
    async function* requests() {
      for (; made < 1000; made++) yield { text: "x".repeat(100_000) };
    }
    const cancel = new AbortController();
    const reply = peer.call("Up", requests(), { signal: cancel.signal });
    reply.catch(() => {});
    await settled(() => made);
    expect(made).toBeLessThan(300);
    cancel.abort();
    await failure(reply);
  });
}
