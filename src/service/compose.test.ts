import { expect, test } from "bun:test";
import { jsonMessage, type Method } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { bindHandlers, composeService } from "./compose.ts";
import type { FileDescriptor, Handlers, Schema } from "./service.ts";

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

const objectMembers = ["toString", "constructor", "valueOf", "hasOwnProperty"];

test("names of Object.prototype's members are names like others, with and without a schema", () => {
  const handlers = { toString: Object.fromEntries(objectMembers.map((name) => [name, hello])) };
  for (const schema of [undefined, schemaOf({ "a.toString": objectMembers })]) {
    const { endpoints } = bindHandlers(handlers as never, schema);
    expect(endpoints.map(({ method, handler }) => [method.name, handler])).toEqual(
      objectMembers.map((name) => [name, hello]),
    );
  }
  for (const handlers of [{}, { toString: {} }, { "a.toString": {} }]) {
    const { endpoints } = bindHandlers(handlers as never, schemaOf({ "a.toString": objectMembers }));
    expect(endpoints.map(({ handler }) => handler)).toEqual(objectMembers.map(() => undefined));
  }
});

test("handlers keyed by the last segment answer for every service that ends so and has no handlers of its own", () => {
  const schema = schemaOf({ "a.v1.Greeter": ["Hello"], "a.v2.Greeter": ["Hello", "Bye"] });
  const bound = (handlers: Handlers) =>
    bindHandlers(handlers, schema).endpoints.map(({ method, handler }) => [
      `${method.service}.${method.name}`,
      handler,
    ]);
  const bye = () => "bye";
  expect(bound({ Greeter: { Hello: hello, Bye: bye } })).toEqual([
    ["a.v1.Greeter.Hello", hello],
    ["a.v2.Greeter.Hello", hello],
    ["a.v2.Greeter.Bye", bye],
  ]);
  expect(() => bound({ "a.v2.Greeter": {}, Greeter: { Bye: bye } })).toThrow(
    "handler Greeter.Bye: service a.v1.Greeter has no such method",
  );
  expect(() => bound({ "a.v1.Greeter": {}, "a.v2.Greeter": {}, Greeter: {} })).toThrow(
    "handler Greeter: no such service in the .proto",
  );
});

test("handlers beside a schema without their service are refused, and the file that declares it is named", () => {
  const unused = { name: "deps.proto", dependencies: [], bytes: new Uint8Array() };
  const symbols = ["deps.Greeter", "deps.Greeter.Hello"];
  const hint = (files: FileDescriptor[]) => {
    try {
      bindHandlers({ Greeter: { Hello: hello } }, { services: new Map(), files: () => files });
    } catch (error) {
      return MicrorunError.from(error).hint;
    }
  };
  expect(hint([])).toBe("declare it there");
  expect(hint([{ ...unused, symbols }])).toBe("name deps.proto, which declares it, in proto too");
  expect(bindHandlers({}, schemaOf({})).endpoints).toEqual([]);
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
