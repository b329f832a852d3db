import { expect, test } from "bun:test";
import { composeService } from "../service/compose.ts";
import { ownInstance } from "./own-instance.ts";

const identity = { name: "greeter", version: "1.2.3", id: "greeter-1", metadata: { foo: "bar" } };
const served = {
  identity,
  service: composeService(identity, []),
  subscriptions: [],
  grpcAddress: "10.0.0.7:8080",
  httpAddress: "10.0.0.7:8080",
  advertise: undefined,
  registry: "kubernetes",
  transport: "grpc",
  broker: "memory",
};

test("a service says what it speaks, as Go Micro's do, and its own metadata", () => {
  expect(ownInstance(served)).toEqual({
    id: "greeter-1",
    service: "greeter",
    version: "1.2.3",
    address: "10.0.0.7:8080",
    metadata: {
      broker: "memory",
      protocol: "grpc",
      registry: "kubernetes",
      server: "grpc",
      transport: "grpc",
      foo: "bar",
    },
    endpoints: [],
  });
});

test("ports of their own are told by protocol", () => {
  expect(ownInstance({ ...served, httpAddress: "10.0.0.7:9090" }).protocols).toEqual({
    grpc: "10.0.0.7:8080",
    http: "10.0.0.7:9090",
  });
});

test("one port under another name is still one", () => {
  const { address, protocols } = ownInstance({ ...served, advertise: "greeter.example:80" });
  expect([address, protocols]).toEqual(["greeter.example:80", undefined]);
});

test("a service on all interfaces is announced on loopback where the registry is this machine's alone", () => {
  const everywhere = { ...served, grpcAddress: "[::]:8080", httpAddress: ":9090" };
  for (const registry of ["local", "memory"]) {
    const { address, protocols } = ownInstance({ ...everywhere, registry });
    expect([address, protocols?.http]).toEqual(["127.0.0.1:8080", "127.0.0.1:9090"]);
  }
  expect(ownInstance({ ...served, registry: "local" }).address).toBe("10.0.0.7:8080");
});
