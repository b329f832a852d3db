import { expect, test } from "bun:test";
import { eventPort, graceSeconds, podPorts } from "./pod-ports.ts";

const cluster = { KUBERNETES_SERVICE_HOST: "cluster" };
const given = (flags: Readonly<Record<string, string>>) =>
  new Map(Object.entries(flags).map(([name, text]) => [name, [text]]));
const ports = (flags: Readonly<Record<string, string>>, grpcProbe = false) =>
  podPorts(given(flags), cluster, grpcProbe);
const tls = { tls_cert: "/tls/tls.crt", tls_key: "/tls/tls.key" };

test("one port is for all, and probes ask there", () => {
  expect(ports({})).toEqual({
    ports: [{ name: "grpc", port: 8080, appProtocol: "kubernetes.io/h2c" }],
    probes: { port: "grpc", tls: false, startSeconds: 60, timeoutSeconds: 2 },
    args: [],
  });
});

test("ports apart have names of their own, and HTTP is what probes ask by", () => {
  const apart = ports({ http_address: ":8000", grpc_address: "0.0.0.0:9000" }, true);
  expect(apart.ports).toEqual([
    { name: "grpc", port: 9000, appProtocol: "kubernetes.io/h2c" },
    { name: "http", port: 8000, appProtocol: "http" },
  ]);
  expect(apart.probes).toMatchObject({ port: "http", grpcPort: 9000 });
  expect(ports({ grpc_address: ":8080" }).ports).toHaveLength(1);
});

test("kubelet, which has no certificate, gets a port of its own where clients need one", () => {
  expect(ports(tls).probes).toMatchObject({ port: "grpc", tls: true });
  const mutual = ports({ ...tls, tls_ca: "/tls/ca.crt", grpc_address: ":8081" });
  expect(mutual.probes).toMatchObject({ port: "health", tls: false });
  expect([mutual.args, mutual.ports.at(-1)]).toEqual([
    ["--health_address=:8082"],
    { name: "health", port: 8082 },
  ]);
  const asked = ports({ ...tls, tls_ca: "/tls/ca.crt", health_address: ":9999" });
  expect([asked.args, asked.ports.at(-1)?.port]).toEqual([[], 9999]);
});

test("variables of the container count as they do in it", () => {
  const env = { ...cluster, MICRO_SERVER_ADDRESS: ":9090", MICRO_DRAIN_TIMEOUT: "20s" };
  expect(podPorts(new Map(), env, false).ports[0]?.port).toBe(9090);
  expect(graceSeconds(new Map(), env)).toBe(50);
});

test("the end may take as long as the flags let it: the delay, the calls, the module's stop", () => {
  expect(graceSeconds(given({}), cluster)).toBe(30);
  expect(graceSeconds(given({ drain_delay: "500ms", drain_timeout: "1m" }), cluster)).toBe(126);
});

test.each([
  ["127.0.0.1:8080", "nobody outside the Pod can reach it"],
  ["[::1]:8080", "nobody outside the Pod can reach it"],
  ["unix:/run/x", "nobody outside the Pod can reach a socket"],
  [":0", "a Service needs a port that is known"],
])("the address %s is refused: %s", (address, why) => {
  expect(() => ports({ server_address: address })).toThrow(`--server_address=${address}: ${why}`);
});

test("gRPC probes of a port with TLS are refused, as kubelet cannot", () => {
  expect(() => ports(tls, true)).toThrow("kubelet speaks no TLS there");
});

test("probes have no port of their own where calls are served already", () => {
  for (const flags of [{}, { http_address: ":8081" }] as Readonly<Record<string, string>>[]) {
    const health_address = flags.http_address ?? ":8080";
    expect(() => ports({ ...flags, health_address })).toThrow(
      `--health_address=${health_address}: port ${health_address.slice(1)} serves calls already`,
    );
  }
});

test("events have a port among Pods where http carries them, and others find it in the registry", () => {
  const events = (flags: Readonly<Record<string, string>>) => eventPort(given(flags), cluster);
  const found = { registry: "kubernetes" };
  expect(events(found)).toEqual({ name: "broker", port: 10001, amongPods: true });
  expect(events({ ...found, broker_address: ":9001" })?.port).toBe(9001);
  for (const other of [{}, { ...found, broker: "nats" }, { ...found, registry_format: "kratos" }])
    expect(events(other)).toBeUndefined();
});
