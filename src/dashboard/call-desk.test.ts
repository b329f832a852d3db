import { expect, test } from "bun:test";
import { jsonMethod } from "../call.ts";
import type { Client } from "../client/client.ts";
import { MicrorunError } from "../errors.ts";
import { type CallEvent, createCallDesk, type WantedCall } from "./call-desk.ts";

const client: Client = {
  call: async (_service, endpoint, request) => {
    if (endpoint.endsWith("Fail")) throw new MicrorunError("not_found", "no user 7");
    return request as never;
  },
  async *stream(_service, _endpoint, request) {
    for await (const one of request as AsyncIterable<{ text: string }>)
      yield { text: one.text.toUpperCase() } as never;
  },
};

const wanted = (method: string, streams = {}): WantedCall => ({
  service: "a",
  method: jsonMethod("a.A", method, streams),
  message: { text: "one" },
  metadata: {},
  timeoutMs: 0,
});
const kinds = (events: readonly CallEvent[]) => events.map(({ kind }) => kind);
const { signal } = new AbortController();

test("a reply is told, then the end", async () => {
  const events = await Array.fromAsync(createCallDesk(client).open(wanted("Hello"), signal));
  expect(kinds(events)).toEqual(["reply", "end"]);
  expect(events[0]).toMatchObject({ value: { text: "one" } });
});

test("a failure is told by code and message", async () => {
  const events = await Array.fromAsync(createCallDesk(client).open(wanted("Fail"), signal));
  expect(events).toMatchObject([{ kind: "error", code: "not_found", message: "no user 7" }]);
});

test("messages are added while a call is open, until they are finished", async () => {
  const desk = createCallDesk(client);
  const call = desk.open(wanted("Talk", { requestStream: true, responseStream: true }), signal);
  const next = async () => (await call.next()).value as CallEvent;
  const first = await next();
  if (first.kind !== "open") throw new Error(first.kind);
  expect(await next()).toMatchObject({ kind: "reply", value: { text: "ONE" } });
  expect(desk.add(first.id, { text: "two" })).toBe(true);
  expect(await next()).toMatchObject({ kind: "reply", value: { text: "TWO" } });
  expect(desk.finish(first.id)).toBe(true);
  expect(await next()).toMatchObject({ kind: "end", replies: 2 });
  await call.next();
  expect(desk.add(first.id, {})).toBe(false);
  expect(desk.finish(first.id)).toBe(false);
});

test("messages that wait are bounded, and so are calls", async () => {
  const desk = createCallDesk(client);
  const streams = { requestStream: true, responseStream: true };
  const calls = Array.from({ length: 32 }, () => desk.open(wanted("Talk", streams), signal));
  const [first] = await Promise.all(calls.map(async (call) => (await call.next()).value as CallEvent));
  const events = await Array.fromAsync(desk.open(wanted("Hello"), signal));
  expect(events).toMatchObject([{ kind: "error", code: "resource_exhausted" }]);
  const { id } = first as { id: string };
  for (let at = 0; at < 99; at++) desk.add(id, {});
  expect(() => desk.add(id, {})).toThrow("100 messages wait to be sent");
  for (const call of calls) await call.return(undefined);
});

test("metadata that gRPC cannot carry is refused before anything is sent", async () => {
  for (const metadata of [{ "a b": "c" }, { a: "ü" }, { "": "c" }]) {
    const events = await Array.fromAsync(
      createCallDesk(client).open({ ...wanted("Hello"), metadata }, signal),
    );
    expect(events).toMatchObject([{ kind: "error", code: "invalid_argument" }]);
  }
});
