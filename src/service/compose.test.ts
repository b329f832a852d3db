import { expect, test } from "bun:test";
import { jsonMessage, type Method } from "../call.ts";
import { bindHandlers, composeService } from "./compose.ts";
import type { Schema } from "./service.ts";

const identity = { name: "greeter", version: "1", id: "greeter-1", metadata: {} };

function method(service: string, name: string): Method {
  return {
    service,
    name,
    requestStream: false,
    responseStream: false,
    idempotent: false,
    request: jsonMessage,
    response: jsonMessage,
  };
}

function schemaOf(services: Record<string, string[]>): Schema {
  const entries = Object.entries(services).map(
    ([service, names]) => [service, names.map((name) => method(service, name))] as const,
  );
  return { services: new Map(entries), files: () => [] };
}

const hello = ({ name }: { name: string }) => ({ greeting: `Hello ${name}!` });

test("a method is found by the exact name, else by the text after the service's last dot", () => {
  const service = composeService(identity, [
    bindHandlers({ Greeter: { Hello: hello } }, schemaOf({ "greeter.Greeter": ["Hello"] })),
  ]);
  for (const name of [
    "greeter.Greeter",
    "pb.Greeter",
    ".Greeter",
    "go.micro.srv.greeter.Greeter",
    "Greeter",
  ]) {
    expect(service.find(name, "Hello")?.handler, name).toBe(hello);
  }
  expect(service.find("Greeter", "Nope")).toBeUndefined();
  expect(service.has("x.Greeter")).toBe(true);
  expect(service.has("Nope")).toBe(false);
});

test("of two services with the same last segment the first answers calls that name neither, and each its own", () => {
  const [a, b] = [() => "a", () => "b"];
  const service = composeService(identity, [
    { schemas: [], endpoints: [{ method: method("debug.Debug", "Stats"), handler: a, internal: true }] },
    { schemas: [], endpoints: [{ method: method("proto.Debug", "Stats"), handler: b, internal: true }] },
  ]);
  expect(service.find("greeter.Debug", "Stats")?.handler).toBe(a);
  expect(service.find("proto.Debug", "Stats")?.handler).toBe(b);
});

test("handlers may be named in lower camel case and services by their full name", () => {
  const { endpoints } = bindHandlers(
    { "greeter.Greeter": { hello } },
    schemaOf({ "greeter.Greeter": ["Hello"] }),
  );
  expect(endpoints.map(({ handler }) => handler)).toEqual([hello]);
});

test("a method of the schema without a handler is kept without one", () => {
  const { endpoints } = bindHandlers({ Greeter: {} }, schemaOf({ "greeter.Greeter": ["Hello"] }));
  expect(endpoints.map(({ method, handler }) => [method.name, handler])).toEqual([["Hello", undefined]]);
});

test("a handler that the schema does not know is refused with the nearest name", () => {
  const schema = schemaOf({ "greeter.Greeter": ["Hello"] });
  expect(() => bindHandlers({ Greeter: { Helo: hello } }, schema)).toThrow(
    "handler Greeter.Helo: service greeter.Greeter has no such method, did you mean Hello?",
  );
  expect(() => bindHandlers({ Greter: { Hello: hello } }, schema)).toThrow(
    "handler Greter: no such service in the .proto, did you mean Greeter?",
  );
});

test("without a schema every handler is JSON, and a generator streams its reply", () => {
  async function* count() {
    yield 1;
  }
  const { endpoints } = bindHandlers(
    { Greeter: { Hello: hello, Count: count, Bound: count.bind({}) } },
    undefined,
  );
  expect(endpoints.map(({ method }) => [method.name, method.responseStream])).toEqual([
    ["Hello", false],
    ["Count", true],
    ["Bound", true],
  ]);
});
