import { expect, test } from "bun:test";
import type { Instance } from "../../registry/registry.ts";
import type { PodText } from "./form.ts";
import { microForm } from "./micro-form.ts";
import { sharing } from "./share.ts";

/** As go-micro v2.3.0 with its kubernetes plugin wrote it, the uuid apart. */
const v2 =
  '{"name":"greeter","version":"1.2.3","metadata":null,"endpoints":[{"name":"Greeter.Hello","request":{"name":"HelloRequest","type":"HelloRequest","values":[{"name":"name","type":"string","values":null}]},"response":{"name":"HelloResponse","type":"HelloResponse","values":[{"name":"greeting","type":"string","values":null}]},"metadata":{}}],"nodes":[{"id":"greeter-8419a752","address":"127.0.0.1:7102","metadata":{"broker":"eats","foo":"bar","protocol":"grpc","registry":"kubernetes","server":"grpc","transport":"grpc"}}]}';
/** As micro/kubernetes v0.7.0 writes nodes: a port of its own, no protocol. */
const v1 =
  '{"name":"greeter","version":"1.0.0","metadata":null,"endpoints":[{"name":"Greeter.Hello","request":{"name":"HelloRequest","type":"HelloRequest","values":[{"name":"name","type":"string","values":null},{"name":"-","type":"struct","values":[]}]},"response":null,"metadata":{"stream":"false"}}],"nodes":[{"id":"greeter-1","address":"127.0.0.1","port":7111,"metadata":{"broker":"grpc","registry":"kubernetes","server":"grpc","transport":"grpc"}}]}';

const greeter: Instance = {
  id: "greeter-8419a752",
  service: "greeter",
  version: "1.2.3",
  address: "127.0.0.1:7102",
  metadata: {
    transport: "grpc",
    server: "grpc",
    registry: "kubernetes",
    protocol: "grpc",
    foo: "bar",
    broker: "eats",
  },
  endpoints: [
    {
      name: "Greeter.Hello",
      request: {
        name: "HelloRequest",
        type: "HelloRequest",
        values: [{ name: "name", type: "string", values: null }],
      },
      response: {
        name: "HelloResponse",
        type: "HelloResponse",
        values: [{ name: "greeting", type: "string", values: null }],
      },
      metadata: {},
    },
  ],
};

test("an instance is announced byte for byte as Go Micro v2 does", () => {
  expect(microForm.announce([greeter])).toEqual({
    labels: { "micro.mu/selector-greeter": "service", "micro.mu/type": "service" },
    annotations: { "micro.mu/service-greeter": v2 },
  });
});

test("a service without endpoints has an empty list of them, and Go's escapes are kept", () => {
  const { annotations } = microForm.announce([
    {
      id: "a",
      service: "go.micro.srv/a",
      version: "latest",
      address: "10.0.0.7:1",
      metadata: { q: "<a&b>" },
    },
  ]);
  expect(annotations["micro.mu/service-go.micro.srv_a"]).toBe(
    '{"name":"go.micro.srv/a","version":"latest","metadata":null,"endpoints":[],"nodes":[{"id":"a","address":"10.0.0.7:1","metadata":{"q":"\\u003ca\\u0026b\\u003e"}}]}',
  );
});

test("a withdrawal takes the service's own keys and leaves micro.mu/type", () => {
  expect(microForm.withdraw(greeter)).toEqual({
    labels: { "micro.mu/selector-greeter": null },
    annotations: { "micro.mu/service-greeter": null },
  });
});

test("what is announced is read back", () => {
  const { annotations } = microForm.announce([
    greeter,
    { ...greeter, id: "second", address: "[fd00::1]:9090" },
  ]);
  const [first, second] = read(annotations as Record<string, string>);
  expect(first).toEqual({
    ...greeter,
    namespace: "go-micro",
  });
  expect([second?.id, second?.address]).toEqual(["second", "[fd00::1]:9090"]);
});

test("v1's port stands beside its host and is joined to it", () => {
  const [one] = read({ "micro.mu/service-greeter": v1 });
  expect([one?.address, one?.version, one?.metadata.protocol]).toEqual([
    "127.0.0.1:7111",
    "1.0.0",
    undefined,
  ]);
  expect(one?.endpoints?.[0]?.metadata).toEqual({ stream: "false" });
});

test.each([
  [{ address: "fd00::7", port: 80 }, "[fd00::7]:80"],
  [{ address: "[fd00::7]", port: 80 }, "[fd00::7]:80"],
  [{ address: "[fd00::7]:81", port: 0 }, "[fd00::7]:81"],
  [{ address: "127.0.0.1:81", port: 82 }, "127.0.0.1:81"],
  [{ address: ":81" }, "10.0.0.7:81"],
  [{ address: "[::]:81" }, "10.0.0.7:81"],
  [{ address: "0.0.0.0", port: 81 }, "10.0.0.7:81"],
  [{ address: "", port: 81 }, "10.0.0.7:81"],
  [{ address: "greeter.internal:81" }, "greeter.internal:81"],
])("a node's address %j is %s", (node, address) => {
  const text = JSON.stringify({ name: "a", version: "1", nodes: [{ id: "n", ...node }] });
  expect(read({ "micro.mu/service-a": text }).map((one) => one.address)).toEqual([address]);
});

test.each([
  ["{", "it is not JSON"],
  ["[]", "it is not an object"],
  ["null", "it is not an object"],
  ["{}", "name is missing"],
  ['{"name":7}', "name is not a string"],
  ['{"name":"a","nodes":{}}', "nodes is not a list"],
  ['{"name":"a","nodes":[7]}', "node is not an object"],
  ['{"name":"a","nodes":[{"address":"1.2.3.4:5"}]}', "node.id is missing"],
  ['{"name":"a","nodes":[{"id":"n","address":"1.2.3.4"}]}', 'node.address "1.2.3.4" has no port'],
  [
    '{"name":"a","nodes":[{"id":"n","address":"1.2.3.4:5","metadata":{"k":7}}]}',
    "node.metadata.k is not a string",
  ],
  ['{"name":"a","endpoints":[{"name":"E","request":[]}],"nodes":[]}', "endpoint.request is not an object"],
])("the annotation %s is told and left out, and the pod's others are read", (text, why) => {
  const told: string[] = [];
  const found = read({ "micro.mu/service-a": text, "micro.mu/service-greeter": v2 }, (key, what) =>
    told.push(`${key}: ${what}`),
  );
  expect(found.map(({ service }) => service)).toEqual(["greeter"]);
  expect(told).toEqual([`micro.mu/service-a: ${why}`]);
});

test("of several nodes a broken one is left out alone", () => {
  const text =
    '{"name":"a","nodes":[{"id":"x","address":7},{"id":"y","address":"1.2.3.4:5","metadata":null}]}';
  expect(read({ "micro.mu/service-a": text }).map(({ id }) => id)).toEqual(["y"]);
});

test("a message nested without end is followed a few levels", () => {
  const depth = 5000;
  const shape = `${'{"name":"a","type":"a","values":['.repeat(depth)}${"]}".repeat(depth)}`;
  const text = `{"name":"a","endpoints":[{"name":"E","request":${shape}}],"nodes":[{"id":"n","address":"a:1"}]}`;
  const [one] = read({ "micro.mu/service-a": text });
  expect(JSON.stringify(one).length).toBeLessThan(1000);
});

test("metadata named after JavaScript's own properties are text like any other", () => {
  const text =
    '{"name":"a","nodes":[{"id":"n","address":"a:1","metadata":{"__proto__":"x","constructor":"y"}}]}';
  const [one] = read({ "micro.mu/service-a": text });
  expect(Object.entries(one?.metadata ?? {})).toEqual([
    ["__proto__", "x"],
    ["constructor", "y"],
  ]);
});

test("another process's node is taken from an annotation, and what else stands there is kept", () => {
  const text =
    '{"name":"greeter","version":"1","extra":{"a":1},"nodes":[{"id":"one","address":"a:1"},{"id":"two","address":"b:2","more":true}]}';
  const pod = { ...empty, annotations: { "micro.mu/service-greeter": text } };
  expect(microForm.without(pod, { ...greeter, id: "one" })).toEqual({
    labels: {},
    annotations: {
      "micro.mu/service-greeter":
        '{"name":"greeter","version":"1","extra":{"a":1},"nodes":[{"id":"two","address":"b:2","more":true}]}',
    },
  });
  expect(microForm.without(pod, { ...greeter, id: "three" })).toBeUndefined();
  for (const broken of ["{", '{"nodes":[null,7]}', '{"nodes":7}'])
    expect(
      microForm.without({ ...empty, annotations: { "micro.mu/service-greeter": broken } }, greeter),
    ).toBeUndefined();
  const last = { ...empty, annotations: { "micro.mu/service-greeter": v2 } };
  expect(microForm.without(last, greeter)).toEqual(microForm.withdraw(greeter));
});

const empty: PodText = {
  name: "greeter-0",
  namespace: "go-micro",
  ip: "10.0.0.7",
  labels: {},
  annotations: {},
  ports: [],
};

function read(annotations: Record<string, string>, broken: (key: string, why: string) => void = () => {}) {
  return microForm.read({ ...empty, annotations }, broken, sharing());
}
