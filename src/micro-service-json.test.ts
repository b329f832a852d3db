import { expect, test } from "bun:test";
import { readServiceJson, serviceJson } from "./micro-service-json.ts";
import type { Instance } from "./registry/registry.ts";

/** As go-micro v2.3.0 wrote it on a pod. */
const v2 =
  '{"name":"greeter","version":"1.2.3","metadata":null,"endpoints":[{"name":"Greeter.Hello","request":{"name":"HelloRequest","type":"HelloRequest","values":[{"name":"name","type":"string","values":null}]},"response":{"name":"HelloResponse","type":"HelloResponse","values":[{"name":"greeting","type":"string","values":null}]},"metadata":{}}],"nodes":[{"id":"greeter-8419a752","address":"127.0.0.1:7102","metadata":{"broker":"eats","foo":"bar","protocol":"grpc","registry":"kubernetes","server":"grpc","transport":"grpc"}}]}';

test("what Go Micro v2 wrote is read and written again to the byte", () => {
  const instances = readServiceJson(v2);
  expect(instances).toMatchObject([
    { id: "greeter-8419a752", service: "greeter", version: "1.2.3", address: "127.0.0.1:7102" },
  ]);
  expect(serviceJson(instances)).toBe(v2);
});

test("the port that v1 writes apart is joined to the address", () => {
  const read = (node: string) => readServiceJson(`{"name":"a","version":"1","nodes":[${node}]}`)[0]?.address;
  expect(read('{"id":"a-1","address":"127.0.0.1","port":7111}')).toBe("127.0.0.1:7111");
  expect(read('{"id":"a-1","address":"fd00::1","port":7111}')).toBe("[fd00::1]:7111");
  expect(read('{"id":"a-1","address":"127.0.0.1:7111","port":0}')).toBe("127.0.0.1:7111");
});

test("fields that are missing or null read as empty", () => {
  expect(readServiceJson('{"name":"a","nodes":[{"id":"a-1","address":"h:1","metadata":null}]}')).toEqual([
    { id: "a-1", service: "a", version: "", address: "h:1", metadata: {} },
  ]);
  expect(readServiceJson('{"name":"a","version":"1","nodes":null}')).toEqual([]);
  const endpoints = '[{"name":"A.B","request":null,"metadata":null}]';
  expect(
    readServiceJson(`{"name":"a","endpoints":${endpoints},"nodes":[{"id":"i","address":"h:1"}]}`)[0]
      ?.endpoints,
  ).toEqual([{ name: "A.B", request: null, response: null, metadata: {} }]);
});

test("several nodes are written in one service, their metadata in order", () => {
  const node = (id: string): Instance => ({
    id,
    service: "a",
    version: "1",
    address: "h:1",
    metadata: { z: "<&>", a: "1" },
  });
  const text = serviceJson([node("one"), node("two")]);
  expect(text).toBe(
    '{"name":"a","version":"1","metadata":null,"endpoints":[],"nodes":[{"id":"one","address":"h:1","metadata":{"a":"1","z":"\\u003c\\u0026\\u003e"}},{"id":"two","address":"h:1","metadata":{"a":"1","z":"\\u003c\\u0026\\u003e"}}]}',
  );
  expect(readServiceJson(text).map(({ id, metadata }) => [id, metadata.z])).toEqual([
    ["one", "<&>"],
    ["two", "<&>"],
  ]);
});

test("what is not a service is refused, saying where", () => {
  const deep = `${'{"values":['.repeat(30)}null${"]}".repeat(30)}`;
  for (const [text, why] of [
    ["{", /^the service is not JSON: /],
    ["[]", /^the service: not an object$/],
    ["{}", /^name: missing$/],
    ['{"name":7}', /^name: not a string$/],
    ['{"name":"a","nodes":{}}', /^nodes: not a list$/],
    ['{"name":"a","nodes":[null]}', /^nodes\[0\]: not an object$/],
    ['{"name":"a","nodes":[{"id":"i"}]}', /^nodes\[0\]\.address: missing$/],
    ['{"name":"a","nodes":[{"id":"i","address":"h","port":"x"}]}', /^nodes\[0\]\.port: not a port$/],
    [
      '{"name":"a","nodes":[{"id":"i","address":"h:1","metadata":{"k":1}}]}',
      /^nodes\[0\]\.metadata\.k: not a/,
    ],
    [`{"name":"a","endpoints":[{"name":"A.B","request":${deep}}]}`, /nested more than 16 deep$/],
  ] as const) {
    expect(() => readServiceJson(text), text).toThrow(why);
  }
});
