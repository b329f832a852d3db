import { expect, test } from "bun:test";
import type { KubernetesObject } from "./cluster.ts";
import { judgeLife } from "./pod-life.ts";
import { judgeContainerPorts, type PodFacts } from "./pod-ports.ts";
import { judgeProbes } from "./pod-probes.ts";
import { judgeServices } from "./pod-service.ts";

const facts: PodFacts = {
  name: "greeter-0",
  from: "HOSTNAME",
  service: "greeter",
  grpc: 8080,
  http: 8080,
  health: undefined,
  tls: "none",
  healthPaths: ["/health", "/livez", "/readyz", "/startupz"],
  registersOnPod: false,
  kratosForm: false,
  drainDelayMs: 5000,
  drainTimeoutMs: 10_000,
};

const pod = (container: KubernetesObject, spec: KubernetesObject = {}): KubernetesObject => ({
  metadata: { name: "greeter-0", namespace: "shop", labels: { app: "greeter" } },
  spec: { containers: [{ name: "mesh", ports: [{ containerPort: 15001 }] }, container], ...spec },
});

const whole: KubernetesObject = {
  name: "greeter",
  ports: [{ name: "grpc", containerPort: 8080 }],
  livenessProbe: { httpGet: { path: "/livez", port: "grpc", scheme: "HTTP" } },
  readinessProbe: { httpGet: { path: "/readyz", port: 8080, scheme: "HTTP" } },
  resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } },
};

const statuses = (findings: readonly { status: string }[]): string[] => findings.map(({ status }) => status);

test("a Pod that says all is well in every part", () => {
  const it = pod(whole, { terminationGracePeriodSeconds: 30 });
  expect(statuses(judgeContainerPorts(it, facts))).toEqual(["ok"]);
  expect(statuses(judgeProbes(it, facts))).toEqual(["ok"]);
  expect(statuses(judgeLife(it, facts))).toEqual(["ok", "ok"]);
});

test("a port that is not declared fails where Kratos' form tells it, with the declaration", () => {
  const bare = pod({ name: "greeter", ports: [{ containerPort: 8080 }] });
  const apart = { ...facts, http: 8000 };
  expect(judgeContainerPorts(bare, apart)).toMatchObject([{ status: "warn" }]);
  const [found] = judgeContainerPorts(bare, { ...apart, kratosForm: true });
  expect(found).toMatchObject({ status: "fail", what: expect.stringContaining("lack 8000") });
  expect(found?.yaml).toContain("- { name: http, containerPort: 8000 }");
  expect(judgeContainerPorts(bare, { ...facts, kratosForm: true })).toMatchObject([
    { status: "warn", what: "containerPort 8080 has no name" },
  ]);
});

test("probes fail that ask where nobody answers, or in another tongue", () => {
  const judged = (probe: KubernetesObject, of: Partial<PodFacts> = {}) =>
    judgeProbes(pod({ ...whole, readinessProbe: probe }), { ...facts, ...of });
  expect(judged({ httpGet: { path: "/readyz", port: 9999 } })).toMatchObject([{ status: "fail" }]);
  expect(judged({ httpGet: { path: "/readyz", port: "web" } })).toMatchObject([{ status: "fail" }]);
  expect(judged({ httpGet: { path: "/ready", port: 8080 } })).toMatchObject([{ status: "warn" }]);
  expect(judged({ grpc: { port: 8080 } })).toMatchObject([{ status: "ok" }]);
  const http = { httpGet: { path: "/readyz", port: 8080 } };
  expect(statuses(judged(http, { tls: "server" }))).toEqual(["fail", "fail"]);
  expect(judged({ grpc: { port: 8081 } }, { health: 8081 })).toMatchObject([{ status: "fail" }]);
  const [mutual] = judged({ httpGet: { ...http.httpGet, scheme: "HTTPS" } }, { tls: "mutual" });
  expect(mutual?.todo).toContain("--health_address");
  const [apart] = judged({ httpGet: { path: "/readyz", port: 9000 } }, { grpc: 9000 });
  expect(apart).toMatchObject({ status: "fail", what: expect.stringContaining("port of gRPC") });
});

test("probes that are missing are warned of, with what to add; so is liveness that asks for readiness", () => {
  const { readinessProbe: _, ...without } = whole;
  const [found] = judgeProbes(pod(without), facts);
  expect(found).toMatchObject({ status: "warn", what: expect.stringContaining("no readinessProbe") });
  expect(found?.yaml).toBe("readinessProbe:\n  httpGet: { path: /readyz, port: 8080 }\n");
  const mixed = { ...whole, livenessProbe: { httpGet: { path: "/readyz", port: 8080 } } };
  expect(judgeProbes(pod(mixed), facts)).toMatchObject([{ status: "warn", todo: "ask /livez" }]);
});

test("a Service that leads past the service fails, and one that leads nowhere near is none", () => {
  const service = (ports: KubernetesObject[], selector: object = { app: "greeter" }) => ({
    metadata: { name: "greeter" },
    spec: { selector, ports },
  });
  const judged = (...services: KubernetesObject[]) => judgeServices(pod(whole), services, facts);
  expect(judged(service([{ name: "grpc", port: 8080, targetPort: "grpc" }]))).toMatchObject([
    { status: "ok" },
  ]);
  expect(judged(service([{ port: 80, targetPort: 9999 }]))).toMatchObject([{ status: "fail" }]);
  expect(judged(service([{ port: 8080 }], { app: "other" }))).toMatchObject([
    { status: "warn", yaml: expect.stringContaining('selector: { app: "greeter" }') },
  ]);
  expect(judged(service([{ port: 8080 }], {}))).toMatchObject([{ status: "warn" }]);
  const found = judgeServices(pod(whole), [], { ...facts, registersOnPod: true });
  expect(found).toMatchObject([{ status: "ok" }]);
});

test("a stop that may take longer than Kubernetes waits fails, its hooks counted", () => {
  const judged = (seconds: number, container: object = {}) =>
    judgeLife(pod({ ...whole, ...container }, { terminationGracePeriodSeconds: seconds }), facts);
  expect(statuses(judged(15))).toEqual(["ok", "ok"]);
  expect(statuses(judged(14))).toEqual(["ok", "fail"]);
  expect(statuses(judged(15, { lifecycle: { preStop: { sleep: { seconds: 5 } } } }))).toEqual([
    "ok",
    "fail",
    "warn",
  ]);
  const [resources] = judged(30, { resources: { limits: { memory: "64Mi" } } });
  expect(resources?.what).toBe("its resources lack requests.memory, requests.cpu");
});
