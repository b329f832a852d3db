import { expect, test } from "bun:test";
import { jsonMethod, type MessageType, type Method } from "../call.ts";
import type { Endpoint, Service } from "../service/service.ts";
import { describeEndpoints } from "./describe.ts";

const shaped = (name: string): MessageType => ({
  name,
  fromJson: (json) => json,
  toJson: (value) => value,
  shape: () => ({ name, type: name, values: null }),
});

function serviceOf(endpoints: readonly (Partial<Endpoint> & { method: Method })[]): Service {
  const complete = endpoints.map((endpoint) => ({ handler: () => ({}), internal: false, ...endpoint }));
  return {
    name: "greeter",
    version: "1",
    id: "greeter-1",
    metadata: {},
    endpoints: complete,
    find: () => undefined,
    has: () => false,
    schemas: [],
  };
}

test("a service tells of its own endpoints in order, by Go Micro's names", () => {
  const hello = {
    ...jsonMethod("my.package.Greeter", "Hello"),
    request: shaped("Ask"),
    response: shaped("Answer"),
  };
  const service = serviceOf([
    { method: hello },
    { method: jsonMethod("Admin", "Reset") },
    { method: jsonMethod("Debug", "Health"), internal: true },
    { method: jsonMethod("Greeter", "Unwritten"), handler: undefined },
  ]);
  expect(describeEndpoints(service, [])).toEqual([
    { name: "Admin.Reset", request: null, response: null, metadata: {} },
    {
      name: "Greeter.Hello",
      request: { name: "Ask", type: "Ask", values: null },
      response: { name: "Answer", type: "Answer", values: null },
      metadata: {},
    },
  ]);
});

test("an endpoint that streams either way says so", () => {
  const service = serviceOf([
    { method: jsonMethod("A", "Up", { requestStream: true }) },
    { method: jsonMethod("A", "Down", { responseStream: true }) },
    { method: jsonMethod("A", "Unary") },
  ]);
  expect(describeEndpoints(service, []).map(({ name, metadata }) => [name, metadata])).toEqual([
    ["A.Down", { stream: "true" }],
    ["A.Unary", {}],
    ["A.Up", { stream: "true" }],
  ]);
});

test("subscriptions follow the endpoints, by topic", () => {
  expect(describeEndpoints(serviceOf([{ method: jsonMethod("Z", "Z") }]), ["b", "a"])).toEqual([
    { name: "Z.Z", request: null, response: null, metadata: {} },
    { name: "Func", request: null, response: null, metadata: { subscriber: "true", topic: "a" } },
    { name: "Func", request: null, response: null, metadata: { subscriber: "true", topic: "b" } },
  ]);
});
