import { describe, expect, test } from "bun:test";
import { jsonMethod } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { maxTimerMs } from "../wait.ts";
import type { Asked } from "./asked.ts";
import type { CallOptions } from "./client.ts";
import { createOutgoing, type Origin, type Outgoing, type OutgoingOptions } from "./outgoing.ts";

const asked = (how: unknown = {}, more: Partial<Asked> = {}): Asked => ({
  service: "greeter",
  endpoint: "Greeter.Hello",
  request: {},
  how: how as CallOptions,
  stream: false,
  ...more,
});
const outgoing = (what: Asked, options: OutgoingOptions, origin: Origin | undefined): Outgoing =>
  createOutgoing(options)(what, origin);
const from = (how: unknown, origin?: Origin): Outgoing => outgoing(asked(how), { from: "tester" }, origin);

function refusal(work: () => unknown): MicrorunError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(MicrorunError);
    expect(error).toMatchObject({ code: "invalid_argument" });
    return error as MicrorunError;
  }
  throw new Error("it was taken");
}

const origin = (metadata: Record<string, string>, deadline?: number): Origin => ({
  metadata: new Headers(metadata),
  signal: new AbortController().signal,
  ...(deadline === undefined ? {} : { deadline }),
});

describe("options of a call", () => {
  test.each(["500", Number.NaN, 0, -1, null, true])("have no timeoutMs of %p", (timeoutMs) => {
    expect(refusal(() => from({ timeoutMs })).message).toContain("not a number of milliseconds above 0");
  });

  test.each([1e15, maxTimerMs + 1000, Number.POSITIVE_INFINITY])(
    "of timeoutMs %p set no deadline",
    (timeoutMs) => {
      expect(from({ timeoutMs }).call.deadline).toBeUndefined();
    },
  );

  test("leave a caller's deadline that no timer can be set for out", () => {
    const call = { stream: true } as const;
    const far = outgoing(asked({}, call), { from: "tester" }, origin({}, Date.now() + 1e15));
    expect(far.call.deadline).toBeUndefined();
    const near = Date.now() + 60_000;
    expect(outgoing(asked({}, call), { from: "tester" }, origin({}, near)).call.deadline).toBe(near);
  });

  test("that nobody knows are refused with the one that was meant", () => {
    expect(refusal(() => from({ timeout: 5 })).message).toBe(
      "greeter Greeter.Hello: unknown option timeout, did you mean timeoutMs?",
    );
  });

  test.each([
    { address: "foo" },
    { address: "http://127.0.0.1:8080" },
    { address: 5 },
    { signal: {} },
    { metadata: "a=b" },
    { metadata: new Headers() },
    { where: ["eu"] },
    { version: 2 },
    { idempotent: "yes" },
  ])("are refused where they make no sense: %p", (how) => {
    refusal(() => from(how));
  });

  test("may be undefined, each of them, but are an object", () => {
    const { call } = from({ timeoutMs: undefined, address: undefined, metadata: undefined, type: undefined });
    expect(call.deadline).toBeDefined();
    refusal(() => from(null));
    refusal(() => from(7));
  });
});

test.each([
  [undefined, "Greeter.Hello"],
  ["", "Greeter.Hello"],
  [{}, "Greeter.Hello"],
  ["greeter", undefined],
  ["greeter", ""],
  ["greeter", 7],
])("what is no name is refused: %p %p", (service, endpoint) => {
  const names = { service, endpoint } as { service: string; endpoint: string };
  refusal(() => outgoing(asked({}, names), { from: "tester" }, undefined));
});

describe("metadata", () => {
  test("carried on leave out what cannot be sent, and what concerns one hop or the browser", () => {
    const { call } = from(
      {},
      origin({
        "x-user": "john",
        "x-forwarded-for": "10.0.0.9",
        "x-md-global-trace": "7",
        "x-md-local-step": "1",
        authorization: "Bearer t",
        "x-name": "J\u00f6hn",
        "x-bad-bin": "no base64!",
        "x-bytes-bin": "AAEC,/w==",
        "x!y": "1",
        cookie: "a=b",
        origin: "https://shop.example",
        referer: "https://shop.example/",
        "sec-fetch-mode": "cors",
        "proxy-authorization": "Basic x",
        "http2-settings": "AAMAAABkAAQ",
        range: "bytes=0-1",
        "if-none-match": "x",
        expect: "100-continue",
        connection: "close",
        "content-type": "application/json",
      }),
    );
    expect(Object.fromEntries(call.metadata)).toEqual({
      "x-user": "john",
      "x-forwarded-for": "10.0.0.9",
      "x-md-global-trace": "7",
      authorization: "Bearer t",
      "x-bytes-bin": "AAEC,/w==",
      "micro-from-service": "tester",
    });
  });

  test("given for one hop, as Kratos names it, are sent", () => {
    const { call } = from({ metadata: { "x-md-local-step": "2" } }, origin({ "x-md-local-step": "1" }));
    expect(call.metadata.get("x-md-local-step")).toBe("2");
  });

  test("given leave out what is undefined, and may be numbers", () => {
    const { call } = from({ metadata: { a: "1", b: undefined, n: 7, "x-Bin": "AAEC" } });
    expect(Object.fromEntries(call.metadata)).toEqual({
      a: "1",
      n: "7",
      "x-bin": "AAEC",
      "micro-from-service": "tester",
    });
  });

  test.each([
    [{ "x y": "1" }, 'metadata "x y": not a name'],
    [{ ":path": "/" }, 'metadata ":path": not a name'],
    [{ "": "1" }, 'metadata "": not a name'],
    [{ a: "J\u00f6hn" }, 'metadata "a": its value is not printable ASCII'],
    [{ a: "1\n2" }, 'metadata "a": its value is not printable ASCII'],
    [{ "a-bin": "no base64!" }, 'metadata "a-bin": its value is not base64'],
    [{ a: {} }, 'metadata "a": its value is no text'],
    [{ a: null }, 'metadata "a": its value is no text'],
  ])("given that cannot be sent are refused: %p", (metadata, message) => {
    const error = refusal(() => from({ metadata }));
    expect(error.message).toBe(message);
    expect(error.hint).toBeString();
  });
});

test("a type that is known is taken as it is", () => {
  const type = jsonMethod("a.Greeter", "Hi");
  expect(from({ type }).call).toMatchObject({ service: "a.Greeter", method: "Hi" });
});

test("a request that is null is sent as null where the type has such a value, else as an empty message", () => {
  const requestOf = (request: unknown, name: string): unknown => {
    const plain = jsonMethod("greeter.Greeter", "Hello");
    const type = { ...plain, request: { ...plain.request, name } };
    return outgoing(asked({ type }, { request }), { from: "tester" }, undefined).call.request;
  };
  expect(requestOf(null, "google.protobuf.Value")).toBeNull();
  expect(requestOf(undefined, "google.protobuf.Value")).toEqual({});
  expect(requestOf(null, "greeter.HelloRequest")).toEqual({});
  expect(requestOf(null, "")).toEqual({});
  expect(requestOf(0, "google.protobuf.Value")).toBe(0);
});
