import { expect, test } from "bun:test";
import { type Call, jsonMethod } from "../../call.ts";
import type { CallStart } from "../invocation.ts";
import { createHeads } from "./client-heads.ts";

const method = jsonMethod("greeter.Greeter", "Hello");
const never = new AbortController().signal;

function start(metadata: Headers, more: Partial<Call> = {}): CallStart {
  const { service, name } = method;
  const call = { service, method: name, request: {}, metadata, signal: never, ...more };
  return { call, method, contentType: "application/grpc+json" };
}

const headsOf = () => createHeads("http", "greeter:8080", undefined);

/** What a head says, whichever of its two parts says it. */
function said({ shared, own = [] }: ReturnType<ReturnType<typeof headsOf>["of"]>): Record<string, string> {
  const flat = [...shared, ...own];
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]!]] : [])));
}

test("calls that bring nothing of their own share all fields: the same array", () => {
  const heads = headsOf();
  const metadata = new Headers({ "micro-from-service": "caller" });
  heads.of(start(metadata));
  const { shared, own } = { ...heads.of(start(metadata)) };
  expect(own).toBeUndefined();
  expect(heads.of(start(metadata)).shared).toBe(shared);
  expect(said({ shared, own })).toMatchObject({
    ":path": "/greeter.Greeter/Hello",
    ":authority": "greeter:8080",
    "micro-from-service": "caller",
    "x-content-type": "application/grpc+json",
  });
});

test("metadata of a call's own go with that call alone", () => {
  const heads = headsOf();
  const { shared } = { ...heads.of(start(new Headers({ trace: "1" }))) };
  const second = heads.of(start(new Headers({ trace: "2", "user-agent": "not ours" })));
  expect(second.shared).toBe(shared);
  expect(second.own).toEqual(["trace", "2"]);
});

test("the time left is told to the call that has it, kept or not", () => {
  const heads = headsOf();
  const metadata = new Headers();
  for (const ms of [5000, 5000, 5000, 70, 20_000, 20_000, ...Array(20).keys()].map((one) => one + 1)) {
    const fields = said(heads.of(start(metadata, { deadline: Date.now() + ms })));
    const told = Number.parseInt(fields["grpc-timeout"]!, 10);
    expect(told).toBeGreaterThanOrEqual(1);
    expect(told).toBeLessThanOrEqual(ms);
    expect(told).toBeGreaterThanOrEqual(ms - 50);
    expect(fields.timeout).toBe(`${told}000000`);
  }
  expect(said(heads.of(start(metadata)))).not.toHaveProperty("grpc-timeout");
});

test("a method that is asked of another service has a head of its own", () => {
  const heads = headsOf();
  const metadata = new Headers();
  for (const service of ["a", "b", "a"])
    expect(said(heads.of(start(metadata, { service })))[":path"]).toBe(`/${service}/Hello`);
});

test("metadata that gRPC cannot carry are refused", () => {
  expect(() => headsOf().of(start(new Headers({ name: "caf\u00e9" })))).toThrow("not printable ASCII");
});
