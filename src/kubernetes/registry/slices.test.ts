import { expect, test } from "bun:test";
import { sharing } from "./share.ts";
import { portsByProtocol, readSlice } from "./slices.ts";

const slice = {
  metadata: { name: "greeter-abc", namespace: "team-a", labels: { "kubernetes.io/service-name": "greeter" } },
  addressType: "IPv4",
  ports: [{ name: "", port: 9100, protocol: "TCP" }],
  endpoints: [
    {
      addresses: ["10.0.0.7"],
      conditions: { ready: true, serving: true, terminating: false },
      targetRef: { kind: "Pod", name: "greeter-0", namespace: "team-a" },
      zone: "eu-1a",
      hints: { forZones: [{ name: "eu-1a" }, { name: "eu-1b" }] },
    },
  ],
};

test("an endpoint is an instance of the Service, with its zone and hints", () => {
  expect(read({})).toEqual({
    service: "greeter",
    endpoints: [
      {
        pod: "team-a/greeter-0",
        host: "10.0.0.7",
        family: "IPv4",
        ready: true,
        terminating: false,
        draining: false,
        instance: {
          id: "greeter-0",
          service: "greeter",
          version: "latest",
          address: "10.0.0.7:9100",
          metadata: {},
          protocols: { grpc: "10.0.0.7:9100", http: "10.0.0.7:9100" },
          namespace: "team-a",
          zone: "eu-1a",
          forZones: ["eu-1a", "eu-1b"],
        },
      },
    ],
  });
});

test("an endpoint without a pod is named by its address, IPv6 in brackets", () => {
  const endpoints = [{ addresses: ["fd00::7", "fd00::8"] }];
  const found = read({ addressType: "IPv6", endpoints });
  expect(found?.endpoints[0]).toMatchObject({
    pod: undefined,
    ready: true,
    instance: { id: "[fd00::7]:9100", address: "[fd00::7]:9100" },
  });
  expect(found?.endpoints[0]?.instance.zone).toBeUndefined();
});

test.each([
  [{}, true, false],
  [{ ready: null, serving: null, terminating: null }, true, false],
  [{ ready: false, serving: false, terminating: false }, false, false],
  [{ ready: false, serving: true, terminating: true }, false, true],
  [{ ready: false, serving: false, terminating: true }, false, false],
  // a Service that publishes addresses that are not ready
  [{ ready: true, serving: true, terminating: true }, false, true],
])("an endpoint with the conditions %j: ready %p, draining %p", (conditions, ready, draining) => {
  const [one] = read({ endpoints: [{ addresses: ["10.0.0.7"], conditions }] })?.endpoints ?? [];
  expect([one?.ready, one?.draining]).toEqual([ready, draining]);
});

test("a slice of host names, of no Service, without TCP or without endpoints is not kept", () => {
  expect(read({ addressType: "FQDN" })).toBeUndefined();
  expect(read({ metadata: { name: "a", namespace: "a" } })).toBeUndefined();
  expect(read({ ports: [{ name: "dns", port: 53, protocol: "UDP" }] })).toBeUndefined();
  expect(read({ ports: null })).toBeUndefined();
  expect(read({ endpoints: null })).toBeUndefined();
});

test.each([
  ["one port speaks all", [{ port: 1 }], { grpc: 1, http: 1 }],
  ["whatever its name", [{ name: "rpc-port", port: 1 }], { grpc: 1, http: 1 }],
  ["its appProtocol is believed", [{ port: 1, appProtocol: "http" }], { http: 1 }],
  ["h2c is gRPC", [{ port: 1, appProtocol: "kubernetes.io/h2c" }], { grpc: 1 }],
  [
    "names tell of several",
    [
      { name: "admin-srv-http", port: 8080 },
      { name: "admin-srv-grpc", port: 9090 },
      { name: "https", port: 8443 },
      { name: "metrics-x", port: 9999 },
      { name: "dns", port: 53, protocol: "UDP" },
    ],
    { http: 8080, grpc: 9090, https: 8443, metrics: 9999 },
  ],
  [
    "appProtocol comes before the name",
    [
      { name: "http", port: 1, appProtocol: "grpc" },
      { name: "web", port: 2, appProtocol: "http" },
    ],
    { grpc: 1, http: 2 },
  ],
  [
    "the first of two counts",
    [
      { name: "grpc-a", port: 1 },
      { name: "grpc-b", port: 2 },
    ],
    { grpc: 1 },
  ],
  [
    "what browsers speak is not gRPC",
    [
      { name: "grpc-web", port: 1 },
      { name: "grpc", port: 2 },
    ],
    { "grpc-web": 1, grpc: 2 },
  ],
  ["even alone, where it says so", [{ port: 1, appProtocol: "grpc-web" }], { "grpc-web": 1 }],
  [
    "the very name comes before one that begins so, and that before one that contains it",
    [
      { name: "admin-srv-grpc", port: 1 },
      { name: "grpc-admin", port: 2 },
      { name: "grpc", port: 3 },
      { name: "http-metrics", port: 4 },
      { name: "http", port: 5 },
    ],
    { grpc: 3, http: 5 },
  ],
  [
    "h2c is a name too",
    [
      { name: "admin-grpc", port: 1 },
      { name: "h2c-main", port: 2 },
    ],
    { grpc: 2 },
  ],
  [
    "an appProtocol comes before the very name",
    [
      { name: "grpc", port: 1 },
      { name: "main", port: 2, appProtocol: "kubernetes.io/h2c" },
    ],
    { grpc: 2 },
  ],
  ["a port without a number is none", [{ name: "grpc", port: null }], {}],
])("ports: %s", (_, ports, expected) => {
  expect(Object.fromEntries(portsByProtocol(ports)) as Record<string, number>).toEqual(
    expected as Record<string, number>,
  );
});

test("the address is where gRPC is spoken, else HTTP", () => {
  const ports = [
    { name: "metrics", port: 1 },
    { name: "http", port: 2 },
  ];
  expect(read({ ports })?.endpoints[0]?.instance.address).toBe("10.0.0.7:2");
  expect(read({ ports: [...ports, { name: "grpc", port: 3 }] })?.endpoints[0]?.instance.address).toBe(
    "10.0.0.7:3",
  );
});

function read(changes: object) {
  return readSlice({ ...slice, ...changes }, sharing());
}
