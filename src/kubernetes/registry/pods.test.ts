import { expect, test } from "bun:test";
import { ownPod } from "./own-pod.ts";
import { type FoundPod, readPod } from "./pods.ts";
import { sharing } from "./share.ts";

const annotation = (name: string, id = name): string =>
  JSON.stringify({ name, version: "1", nodes: [{ id, address: "10.0.0.7:9090", metadata: { a: "b" } }] });

const pod = {
  metadata: {
    name: "greeter-0",
    namespace: "go-micro",
    labels: { "micro.mu/type": "service" } as Record<string, string>,
    annotations: { "micro.mu/service-greeter": annotation("greeter") } as Record<string, string>,
  },
  spec: { containers: [{ ports: [{ name: "grpc", containerPort: 9090 }] }, {}] },
  status: { phase: "Running", podIP: "10.0.0.7", conditions: [{ type: "Ready", status: "True" }] },
};

test("a Running and Ready pod holds its services, several of them too", () => {
  const annotations = { ...pod.metadata.annotations, "micro.mu/service-other": annotation("other") };
  const found = read({ metadata: { ...pod.metadata, annotations } });
  expect(found?.key).toBe("go-micro/greeter-0");
  expect(found?.instances.map(({ service }) => service)).toEqual(["greeter", "other"]);
});

test.each([
  ["Pending", { ...pod.status, phase: "Pending" }],
  ["Succeeded", { ...pod.status, phase: "Succeeded" }],
  ["Failed", { ...pod.status, phase: "Failed" }],
  ["not Ready", { ...pod.status, conditions: [{ type: "Ready", status: "False" }] }],
  ["without conditions", { phase: "Running" }],
  ["without status", undefined],
])("a pod that is %s holds none, and its annotations are not looked at", (_, status) => {
  const told: string[] = [];
  const annotations = { "micro.mu/service-greeter": "{" };
  const found = read({ status, metadata: { ...pod.metadata, annotations } }, told);
  expect(found).toMatchObject({ available: false, serving: false, instances: [] });
  expect(told).toEqual([]);
});

test("a Terminating pod holds none, though it still serves", () => {
  const found = read({ metadata: { ...pod.metadata, deletionTimestamp: "2026-11-21T13:00:00Z" } });
  expect(found).toMatchObject({ available: false, serving: true, instances: [] });
});

test("a pod without labels or annotations of ours is not kept", () => {
  expect(
    read({ metadata: { name: "db-0", namespace: "a", labels: { app: "kratos" }, annotations: {} } }),
  ).toBeUndefined();
  expect(read({ metadata: { name: "db-0", namespace: "a" } })).toBeUndefined();
});

test("a service that a pod tells of in two forms is one", () => {
  const labels = {
    "kratos-service-app": "greeter",
    "kratos-service-id": "k",
    "gomicro-service-app": "other",
  };
  const found = read({ metadata: { ...pod.metadata, labels } });
  expect(found?.instances.map(({ service, id }) => `${service} ${id}`)).toEqual([
    "greeter greeter",
    "other greeter-0",
  ]);
});

test("a broken annotation is told with its pod, key and service", () => {
  const told: string[] = [];
  const annotations = { ...pod.metadata.annotations, "micro.mu/service-broken": "{" };
  const found = read({ metadata: { ...pod.metadata, annotations } }, told);
  expect(found?.instances).toHaveLength(1);
  expect(told).toEqual(["go-micro/greeter-0 micro.mu/service-broken it is not JSON broken"]);
});

test("the process learns its own address and zone from its own pod, even one that holds nothing", () => {
  const own = ownPod("go-micro", { HOSTNAME: "client-0" });
  const reading = { own, share: sharing(), broken: () => {} };
  const labels = { "topology.kubernetes.io/zone": "eu-1a" };
  readPod({ ...pod, metadata: { name: "client-0", namespace: "other", labels } }, reading);
  expect(own.zone).toBeUndefined();
  readPod({ ...pod, metadata: { name: "client-0", namespace: "go-micro", labels } }, reading);
  expect([own.ip, own.zone]).toEqual(["10.0.0.7", "eu-1a"]);
});

test("POD_NAME comes before HOSTNAME, and that before the host's name", () => {
  expect(ownPod("a", { POD_NAME: "p", HOSTNAME: "h" })).toEqual({
    name: "p",
    namespace: "a",
    from: "POD_NAME",
  });
  expect(ownPod("a", { POD_NAME: "", HOSTNAME: "h" }).from).toBe("HOSTNAME");
  expect(ownPod("a", {}).from).toBe("the host's name");
});

test("equal metadata of many pods are kept once", () => {
  const reading = { own: ownPod("a", {}), share: sharing(), broken: () => {} };
  const [one, other] = ["x", "y"].map((id) => {
    const annotations = { "micro.mu/service-greeter": annotation("greeter", id) };
    return readPod({ ...pod, metadata: { ...pod.metadata, annotations } }, reading)?.instances[0];
  });
  expect(one?.id).not.toBe(other?.id);
  expect(one?.metadata).toBe(other?.metadata);
});

function read(changes: object, told: string[] = []): FoundPod | undefined {
  return readPod(
    { ...pod, ...changes },
    { own: ownPod("a", {}), share: sharing(), broken: (...what) => told.push(what.join(" ")) },
  );
}
