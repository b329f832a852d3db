import { expect, test } from "bun:test";
import { deflateSync } from "node:zlib";
import type { Answer } from "multicast-dns";
import {
  checkInstance,
  instanceRecords,
  listedServices,
  listRecords,
  maxTxtJson,
  pointer,
  toldInstances,
} from "./mdns-records.ts";
import type { Instance } from "./registry.ts";

const greeter: Instance = {
  id: "greeter-1",
  service: "go.micro.srv.greeter",
  version: "1.2.3",
  address: "10.0.0.7:8080",
  metadata: { protocol: "grpc" },
  endpoints: [{ name: "Greeter.Hello", request: null, response: null, metadata: {} }],
};
const name = "greeter-1.go.micro.srv.greeter.micro";

/** Records as somebody else might send them. */
function sent(txt: readonly (string | Buffer)[], ttl = 120): Answer[] {
  return [
    { name, type: "SRV", ttl, data: { target: "host", port: 8080 } },
    { name: "host", type: "A", ttl, data: "10.0.0.7" },
    { name, type: "TXT", ttl, data: txt },
  ];
}
const hex = (json: string): string => deflateSync(json).toString("hex");

test("an instance is read again from its records", () => {
  const [told] = toldInstances([pointer(greeter, 60), ...instanceRecords(greeter, 60)]);
  expect(told).toMatchObject({ name, ttl: 60 });
  expect(told?.read()).toEqual(greeter);
  const six = { ...greeter, address: "[fd00::1]:8080" };
  expect(toldInstances(instanceRecords(six, 60))[0]?.read()).toEqual(six);
});

test("records are in the order in which Go Micro reads an address, texts in pieces that a record can hold", () => {
  const long = { ...greeter, metadata: { noise: crypto.getRandomValues(new Uint8Array(900)).toHex() } };
  const records = instanceRecords(long, 60);
  expect(records.map(({ type, ttl }) => `${type} ${ttl}`)).toEqual(["SRV 60", "A 60", "TXT 60"]);
  const pieces = records[2]?.data as string[];
  expect(pieces.length).toBeGreaterThan(3);
  expect(pieces.slice(0, -1).every((piece) => piece.length === 255)).toBe(true);
  expect(toldInstances(records)[0]?.read()).toEqual(long);
});

test("what Go Micro v5 compressed is read", () => {
  // zlib.NewWriter over json.Marshal of mdnsTxt{Metadata, Service, Version, Endpoints}, without compression to be read here.
  const json = '{"Metadata":null,"Service":"go.micro.srv.greeter","Version":"latest","Endpoints":null}';
  const [told] = toldInstances(sent([Buffer.from(deflateSync(json, { level: 0 }).toString("hex"))]));
  expect(told?.read()).toEqual({
    id: "greeter-1",
    service: "go.micro.srv.greeter",
    version: "latest",
    address: "10.0.0.7:8080",
    metadata: {},
  });
});

test("a goodbye has no time to live", () => {
  expect(toldInstances(instanceRecords(greeter, 0))[0]?.ttl).toBe(0);
});

test("endpoints that fit into no packet are left out, metadata that do not are refused", () => {
  const noise = (length: number) => crypto.getRandomValues(new Uint8Array(length)).toHex();
  const endpoints = [{ name: noise(40_000), request: null, response: null, metadata: {} }];
  expect(toldInstances(instanceRecords({ ...greeter, endpoints }, 60))[0]?.read().endpoints).toEqual([]);
  expect(() => checkInstance({ ...greeter, metadata: { noise: noise(40_000) } })).toThrow(
    /metadata are too large/,
  );
});

test("an instance that these records cannot hold is refused", () => {
  for (const [wrong, why] of [
    [{ id: "x".repeat(64) }, /is no DNS name/],
    [{ id: "" }, /is no DNS name/],
    [{ service: "a..b" }, /is no DNS name/],
    [{ service: `${"a.".repeat(130)}b` }, /is no DNS name/],
    [{ service: "a\nb" }, /is no DNS name/],
    [{ service: "_services" }, /is no DNS name/],
    [{ address: "localhost:80" }, /not an IP address/],
    [{ address: "unix:/run/greeter" }, /not an IP address/],
    [{ address: "10.0.0.7:0" }, /not an IP address/],
    [{ address: "10.0.0.7" }, /not an IP address/],
  ] as const) {
    expect(() => checkInstance({ ...greeter, ...wrong }), JSON.stringify(wrong)).toThrow(why);
  }
  checkInstance(greeter);
});

test("a small record that grows beyond all bounds is not unpacked", () => {
  const bomb = hex(`{"Service":"${" ".repeat(maxTxtJson)}"}`);
  expect(bomb.length).toBeLessThan(10_000);
  expect(() => toldInstances(sent([bomb]))[0]?.read()).toThrow();
});

test("records that are malformed, incomplete or another's are no instance", () => {
  expect(toldInstances(sent(["00"]).slice(0, 2))).toEqual([]);
  expect(toldInstances([sent(["00"])[0]!, sent(["00"])[2]!])).toEqual([]);
  for (const txt of [
    "",
    "zz",
    "00",
    hex("null"),
    hex("{"),
    hex('{"Service":"other","Version":"1"}'),
    hex('{"Service":1}'),
  ]) {
    expect(() => toldInstances(sent([txt]))[0]?.read(), txt).toThrow();
  }
});

test("a list names services, and is no instance", () => {
  const records = [...listRecords("greeter", 60), ...listRecords("go.micro.srv.other", 60)];
  expect(listedServices(records)).toEqual(["greeter", "go.micro.srv.other"]);
  expect(toldInstances(records)).toEqual([]);
});
