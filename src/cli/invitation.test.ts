import { expect, test } from "bun:test";
import { jsonMessage, type Method } from "../call.ts";
import type { Ready } from "../run.ts";
import type { Service } from "../service/service.ts";
import { invitation } from "./invitation.ts";

const hello: Method = {
  service: "greeter.Greeter",
  name: "Hello",
  requestStream: false,
  responseStream: false,
  idempotent: false,
  request: { ...jsonMessage, decode: () => ({ name: "", loud: false, tags: [] }) },
  response: jsonMessage,
};

const ready = (method: Method | undefined, address: string): Omit<Ready, "log"> => {
  const endpoints = method === undefined ? [] : [{ method, handler: () => ({}), internal: false }];
  const service: Service = {
    name: "greeter",
    version: "latest",
    id: "greeter-1",
    metadata: {},
    endpoints,
    schemas: [],
    find: () => undefined,
    has: () => false,
  };
  return { service, grpcAddress: address, httpAddress: address };
};
const lines = (method: Method | undefined, address: string, tls = false) =>
  invitation(ready(method, address), { tls, self: "microrun" });

test("a name that a shell would take apart is quoted", () => {
  const { service, ...where } = ready(hello, ":8080");
  const [, call] = invitation(
    { ...where, service: { ...service, name: "a b" } },
    { tls: false, self: "./m" },
  );
  expect(call).toStartWith("./m call 'a b' greeter.Greeter.Hello ");
});

test("a unary method is called by curl and by microrun, with its plain fields", () => {
  expect(lines(hello, "0.0.0.0:8080")).toEqual([
    `curl http://localhost:8080/greeter.Greeter/Hello -H 'Content-Type: application/json' -d '{"name":"John","loud":false}'`,
    `microrun call greeter Greeter.Hello '{"name":"John","loud":false}' --address=localhost:8080`,
  ]);
});

test("a service under another package is called by its full name", () => {
  const [, call] = lines({ ...hello, service: "helloworld.Greeter" }, "[::1]:9090");
  expect(call).toContain("microrun call greeter helloworld.Greeter.Hello ");
  expect(call).toEndWith("--address=[::1]:9090");
});

test("a method whose request cannot be empty is called with {}", () => {
  const decode = (): never => {
    throw new Error("required field is missing");
  };
  const [curl] = lines({ ...hello, request: { ...jsonMessage, decode } }, ":8080");
  expect(curl).toEndWith("-d '{}'");
});

test("what has no unary method is asked for its first page", () => {
  expect(lines(undefined, "[::]:8080", true)).toEqual(["curl https://localhost:8080/"]);
  expect(lines({ ...hello, responseStream: true }, "unix:/tmp/x.sock")).toEqual([
    "curl --unix-socket /tmp/x.sock http://localhost/",
  ]);
});
