import { expect, test } from "bun:test";
import { arrange } from "./found.ts";
import { ownPod } from "./own-pod.ts";
import { type FoundPod, readPod } from "./pods.ts";
import { sharing } from "./share.ts";
import { type FoundSlice, readSlice } from "./slices.ts";

test("a pod that an annotation and a slice tell of is one instance: the annotation's, with the slice's zone and hints", () => {
  const found = arrange(
    pods(pod("a", { services: ["greeter"] })),
    slices(slice("greeter", [{ pod: "a", zone: "z1", forZones: ["z1", "z2"] }])),
  );
  expect(found.named("greeter")).toEqual([
    {
      id: "greeter-a",
      service: "greeter",
      version: "1",
      address: "10.0.0.1:7000",
      metadata: { from: "annotation" },
      namespace: "ns",
      zone: "z1",
      forZones: ["z1", "z2"],
    },
  ]);
});

test("a pod without an annotation is found through its Service, beside those that have one", () => {
  const found = arrange(
    pods(pod("a", { services: ["greeter"] })),
    slices(slice("greeter", [{ pod: "a" }, { pod: "b" }])),
  );
  expect(ids(found.named("greeter"))).toEqual(["b", "greeter-a"]);
});

test("the slice of a Service of another name still tells the zone", () => {
  const found = arrange(
    pods(pod("a", { services: ["greeter"] })),
    slices(slice("web", [{ pod: "a", zone: "z1" }])),
  );
  expect(found.named("greeter")[0]?.zone).toBe("z1");
  expect(ids(found.named("web"))).toEqual(["a"]);
});

test("the pod's own label tells the zone where no slice does", () => {
  const labels = { "topology.kubernetes.io/zone": "z9" };
  expect(arrange(pods(pod("a", { services: ["greeter"], labels })), slices()).named("greeter")[0]?.zone).toBe(
    "z9",
  );
});

test("a pod that its slice knows to be ending or not ready is not listed, however the pod looks", () => {
  for (const conditions of [{ ready: false, serving: true, terminating: true }, { ready: false }]) {
    const found = arrange(
      pods(pod("a", { services: ["greeter"] }), pod("b", { services: ["greeter"] })),
      slices(slice("greeter", [{ pod: "a", conditions }, { pod: "b" }])),
    );
    expect(ids(found.named("greeter"))).toEqual(["greeter-b"]);
  }
});

test("a pod that is known not to be available is not listed, however its slice looks", () => {
  const changes = { status: { phase: "Running", conditions: [{ type: "Ready", status: "False" }] } };
  const found = arrange(
    pods(pod("a", { services: ["greeter"], changes })),
    slices(slice("greeter", [{ pod: "a" }, { pod: "b" }])),
  );
  expect(ids(found.named("greeter"))).toEqual(["b"]);
});

test("a pod that has taken itself back in Kratos' form is not found through its Service either", () => {
  const labels = { "kratos-service-app": "" };
  const found = arrange(pods(pod("a", { labels })), slices(slice("greeter", [{ pod: "a" }])));
  expect(found.named("greeter")).toEqual([]);
});

test("a service with a name of Go Micro's is listed once, and its Service for the Pods that do not register", () => {
  const name = "go.micro.srv.Alice";
  const found = arrange(
    pods(pod("a", { services: [name] })),
    slices(slice("go-micro-srv-alice", [{ pod: "a" }, { pod: "b" }]), slice("web", [{ pod: "a" }])),
  );
  expect(found.all().map(({ service, id }) => `${service} ${id}`)).toEqual([
    "go-micro-srv-alice b",
    `${name} ${name}-a`,
    "web a",
  ]);
  expect(ids(found.named("go-micro-srv-alice"))).toEqual(["a", "b"]);
});

test("while nobody is ready those that still serve while they end are listed, and only then", () => {
  const ending = { ready: false, serving: true, terminating: true };
  const dead = { ready: false, serving: false, terminating: true };
  const some = [
    { pod: "a", conditions: ending },
    { pod: "b", conditions: dead },
    { pod: "c", conditions: { ready: false } },
  ];
  expect(ids(arrange(pods(), slices(slice("greeter", some))).named("greeter"))).toEqual(["a"]);
  expect(ids(arrange(pods(), slices(slice("greeter", [...some, { pod: "d" }]))).named("greeter"))).toEqual([
    "d",
  ]);
  const failed = pod("a", { services: ["greeter"], changes: { status: { phase: "Failed" } } });
  expect(arrange(pods(failed), slices(slice("greeter", some))).named("greeter")).toEqual([]);
});

test("a pod with addresses of both families is one instance, by IPv4", () => {
  const six = slice("greeter", [{ pod: "a", address: "fd00::1" }], { addressType: "IPv6" });
  const four = slice("greeter", [{ pod: "a" }]);
  for (const both of [slices(six, four), slices(four, six)])
    expect(
      arrange(pods(), both)
        .named("greeter")
        .map(({ address }) => address),
    ).toEqual(["10.0.0.1:9100"]);
});

test("names of another namespace are apart where all are looked into", () => {
  const far = slice("greeter", [{ pod: "a" }], {
    metadata: { namespace: "far", labels: { "kubernetes.io/service-name": "greeter" } },
  });
  const found = arrange(pods(), slices(slice("greeter", [{ pod: "a" }]), far));
  expect(found.named("greeter").map(({ namespace }) => namespace)).toEqual(["far", "ns"]);
  expect(found.named("greeter", "far").map(({ namespace }) => namespace)).toEqual(["far"]);
});

test("all instances are those of every name", () => {
  const found = arrange(
    pods(pod("a", { services: ["x", "y"] })),
    slices(slice("x", [{ pod: "a" }]), slice("web", [{ pod: "b" }])),
  );
  expect(found.all().map(({ service, id }) => `${service} ${id}`)).toEqual(["web b", "x x-a", "y y-a"]);
});

test("the own zone is that of the endpoint that is this pod, by its name or its address", () => {
  const found = arrange(
    pods(),
    slices(
      slice("web", [
        { pod: "a", zone: "z1" },
        { address: "10.0.0.2", zone: "z2" },
      ]),
    ),
  );
  expect(found.zoneOf({ name: "a", namespace: "ns" })).toBe("z1");
  expect(found.zoneOf({ name: "a", namespace: "other" })).toBeUndefined();
  expect(found.zoneOf({ name: "b", namespace: "ns", ip: "10.0.0.2" })).toBe("z2");
});

interface PodOptions {
  services?: string[];
  labels?: Record<string, string>;
  changes?: object;
}

function pod(name: string, { services = [], labels = {}, changes = {} }: PodOptions): object {
  const annotation = (service: string) =>
    JSON.stringify({
      name: service,
      version: "1",
      nodes: [{ id: `${service}-${name}`, address: "10.0.0.1:7000", metadata: { from: "annotation" } }],
    });
  return {
    metadata: {
      name,
      namespace: "ns",
      labels: { "micro.mu/type": "service", ...labels },
      annotations: Object.fromEntries(
        services.map((service) => [`micro.mu/service-${service}`, annotation(service)]),
      ),
    },
    status: { phase: "Running", podIP: "10.0.0.1", conditions: [{ type: "Ready", status: "True" }] },
    ...changes,
  };
}

interface EndpointOptions {
  pod?: string;
  address?: string;
  zone?: string;
  forZones?: string[];
  conditions?: object;
}

function slice(service: string, endpoints: EndpointOptions[], changes: object = {}): object {
  return {
    metadata: { namespace: "ns", labels: { "kubernetes.io/service-name": service } },
    addressType: "IPv4",
    ports: [{ port: 9100 }],
    endpoints: endpoints.map(({ pod: name, address = "10.0.0.1", zone, forZones, conditions = {} }) => ({
      addresses: [address],
      conditions,
      ...(name === undefined ? {} : { targetRef: { kind: "Pod", name } }),
      ...(zone === undefined ? {} : { zone }),
      ...(forZones === undefined ? {} : { hints: { forZones: forZones.map((one) => ({ name: one })) } }),
    })),
    ...changes,
  };
}

function pods(...objects: object[]): Map<string, FoundPod> {
  const reading = { own: ownPod("ns", {}), share: sharing(), broken: () => {} };
  return new Map(objects.map((object) => readPod(object, reading)!).map((found) => [found.key, found]));
}

function slices(...objects: object[]): Map<string, FoundSlice> {
  return new Map(objects.map((object, index) => [String(index), readSlice(object, sharing())!]));
}

function ids(instances: readonly { id: string }[]): string[] {
  return instances.map(({ id }) => id);
}
