import { expect, test } from "bun:test";
import { readYaml } from "../yaml.ts";
import type { Facts, KubernetesObject } from "./facts.ts";
import { manifestFiles, manifestText } from "./files.ts";
import { manifest, ownVariables } from "./manifest.ts";

const facts: Facts = {
  name: "greeter",
  namespace: "shop",
  run: { kind: "service", replicas: 2, headless: false },
  image: "registry.example/greeter:1",
  pullSecrets: [],
  args: [],
  env: {},
  envFrom: [],
  mounts: [],
  ports: [{ name: "grpc", port: 8080, appProtocol: "kubernetes.io/h2c" }],
  probes: { port: "grpc", tls: false, startSeconds: 60, timeoutSeconds: 2 },
  graceSeconds: 30,
  cpu: "50m",
  memory: "256Mi",
  account: { name: "greeter", own: true, token: false },
  grants: [],
  registers: false,
};

// biome-ignore lint/suspicious/noExplicitAny: Kubernetes objects
type Any = any;
const kinds = (more: Partial<Facts> = {}) => manifest({ ...facts, ...more }).map(({ kind }) => kind);
const one = (kind: string, more: Partial<Facts> = {}): Any =>
  manifest({ ...facts, ...more }).find((object) => object.kind === kind);
const pod = (more: Partial<Facts> = {}): Any => one("Deployment", more).spec.template;
const container = (more: Partial<Facts> = {}): Any => pod(more).spec.containers[0];

test("a service is an account, a Service, a Deployment and a budget of disruptions", () => {
  expect(kinds()).toEqual(["ServiceAccount", "Service", "Deployment", "PodDisruptionBudget"]);
  expect(one("Service").spec.ports).toEqual([
    { name: "grpc", port: 8080, targetPort: "grpc", appProtocol: "kubernetes.io/h2c" },
  ]);
});

test("one replica has no budget, as no node could be emptied", () => {
  expect(kinds({ run: { kind: "service", replicas: 1, headless: false } })).not.toContain(
    "PodDisruptionBudget",
  );
});

test("an autoscaler has the number of replicas to itself", () => {
  const run = { kind: "service", replicas: 2, maxReplicas: 10, headless: false } as const;
  expect(one("Deployment").spec.replicas).toBe(2);
  expect(one("Deployment", { run }).spec).not.toHaveProperty("replicas");
  expect(one("HorizontalPodAutoscaler", { run }).spec).toMatchObject({ minReplicas: 2, maxReplicas: 10 });
});

test("a headless Service has no address", () => {
  const run = { kind: "service", replicas: 2, headless: true } as const;
  expect(one("Service", { run }).spec.clusterIP).toBe("None");
});

test("the selector holds what never changes, the labels the version too", () => {
  const chosen = {
    "app.kubernetes.io/name": "greeter",
    "app.kubernetes.io/instance": "greeter",
    "app.kubernetes.io/component": "service",
  };
  const version = { version: "1.2.3+build/7 " };
  expect(one("Deployment", version).spec.selector.matchLabels).toEqual(chosen);
  expect(one("Service", version).spec.selector).toEqual(chosen);
  for (const { metadata } of manifest({ ...facts, ...version }))
    expect(metadata.labels).toEqual({
      ...chosen,
      "app.kubernetes.io/version": "1.2.3_build_7",
      "app.kubernetes.io/managed-by": "microrun",
    });
  expect(one("Service", { version: "+" }).metadata.labels).not.toHaveProperty(["app.kubernetes.io/version"]);
});

test("a Pod that registers bears the type of Go Micro's", () => {
  expect(pod().metadata.labels).not.toHaveProperty(["micro.mu/type"]);
  expect(pod({ registers: true }).metadata.labels).toMatchObject({ "micro.mu/type": "service" });
});

test("only a Pod that asks the API server has a token", () => {
  expect(pod().spec.automountServiceAccountToken).toBe(false);
  expect(pod({ account: { name: "seller", own: false, token: true } }).spec).toMatchObject({
    serviceAccountName: "seller",
    automountServiceAccountToken: true,
  });
  expect(kinds({ account: { name: "seller", own: false, token: true } })).not.toContain("ServiceAccount");
});

test("the arguments and variables are taken as they are", () => {
  const { args, env } = container({ args: ["--set=a=$(HOME)"], env: { A: "$(B) $C" } });
  expect(args).toEqual(["--set=a=$$(HOME)"]);
  expect(env.at(-1)).toEqual({ name: "A", value: "$$(B) $C" });
});

test("kubelet asks by HTTP, by HTTPS, or by gRPC as far as gRPC knows", () => {
  const asks = (probes: Partial<Facts["probes"]>) => {
    const { startupProbe, livenessProbe, readinessProbe } = container({
      probes: { ...facts.probes!, ...probes },
    });
    return [startupProbe, livenessProbe, readinessProbe].map(({ httpGet, grpc }) => httpGet ?? grpc);
  };
  expect(asks({})).toEqual([
    { path: "/startupz", port: "grpc" },
    { path: "/livez", port: "grpc" },
    { path: "/readyz", port: "grpc" },
  ]);
  expect(asks({ tls: true })[0]).toEqual({ path: "/startupz", port: "grpc", scheme: "HTTPS" });
  expect(asks({ grpcPort: 8080 })).toEqual([
    { port: 8080 },
    { path: "/livez", port: "grpc" },
    { port: 8080 },
  ]);
  expect(container().startupProbe.failureThreshold).toBe(60);
});

test("what is mounted is read-only, an empty folder is not", () => {
  const mounts = [
    { path: "/etc/tls", from: { kind: "secret", name: "tls" } },
    { path: "/etc/app", from: { kind: "configmap", name: "app" } },
    { path: "/tmp" },
  ] as const;
  expect(container({ mounts }).volumeMounts).toEqual([
    { name: "mount-0", mountPath: "/etc/tls", readOnly: true },
    { name: "mount-1", mountPath: "/etc/app", readOnly: true },
    { name: "mount-2", mountPath: "/tmp" },
  ]);
  expect(pod({ mounts }).spec.volumes).toEqual([
    { name: "mount-0", secret: { secretName: "tls" } },
    { name: "mount-1", configMap: { name: "app" } },
    { name: "mount-2", emptyDir: {} },
  ]);
});

test("a job has neither Service nor probes, and is not started again when it is done", () => {
  const run = { kind: "job" } as const;
  const { probes: _, ...rest } = facts;
  const [, job, ...more] = manifest({ ...rest, run, ports: [] }) as Any[];
  expect([job.kind, more]).toEqual(["Job", []]);
  expect(job.spec.template.spec.restartPolicy).toBe("Never");
  expect(job.spec.template.spec.containers[0]).not.toHaveProperty("livenessProbe");
  const scheduled = manifest({ ...rest, ports: [], run: { kind: "job", schedule: "@daily" } }).at(-1) as Any;
  expect([scheduled.kind, scheduled.spec.schedule]).toEqual(["CronJob", "@daily"]);
  expect(scheduled.spec.jobTemplate.spec).toEqual(job.spec);
});

test("a Service leads to no Pod of a job of its name", () => {
  const { selector } = one("Service").spec;
  const labels = pod().metadata.labels;
  const { probes: _, ...rest } = facts;
  const job = manifest({ ...rest, run: { kind: "job" }, ports: [] }).at(-1) as Any;
  const chooses = (of: Any) => Object.entries(selector).every(([key, value]) => of[key] === value);
  expect([chooses(labels), chooses(job.spec.template.metadata.labels)]).toEqual([true, false]);
});

test("a worker has neither Service nor probes, and runs all the time", () => {
  const { probes: _, ...rest } = facts;
  const run = { kind: "worker", replicas: 2, headless: false } as const;
  const objects = manifest({ ...rest, run, ports: [] }) as Any[];
  expect(objects.map(({ kind }) => kind)).toEqual(["ServiceAccount", "Deployment", "PodDisruptionBudget"]);
  const { template } = objects[1].spec;
  expect(template.spec.containers[0]).not.toHaveProperty("livenessProbe");
  expect(template.spec.containers[0]).not.toHaveProperty("ports");
  expect(template.spec.topologySpreadConstraints).toHaveLength(2);
});

test("references are whole, as the API server would complete them", () => {
  const { env } = container();
  expect(env[0].valueFrom.fieldRef).toEqual({ apiVersion: "v1", fieldPath: "metadata.name" });
  expect(env.find(({ name }: Any) => name === "BUN_JSC_forceRAMSize").valueFrom.resourceFieldRef).toEqual({
    resource: "limits.memory",
    divisor: "0",
  });
  expect(env.map(({ name }: Any) => name)).toEqual([...ownVariables]);
});

test("a network policy opens the ports of the Service and those among Pods, not those of probes", () => {
  const broker = { name: "broker", port: 10001, amongPods: true };
  const ports = [...facts.ports, { name: "health", port: 8081 }, broker];
  const spec = (callers: "namespace" | "cluster") => one("NetworkPolicy", { callers, ports }).spec;
  expect(spec("namespace").ingress).toEqual([
    {
      from: [{ podSelector: {} }],
      ports: [
        { protocol: "TCP", port: 8080 },
        { protocol: "TCP", port: 10001 },
      ],
    },
  ]);
  expect(spec("cluster").ingress[0].from).toEqual([{ namespaceSelector: {} }]);
  expect(spec("cluster").policyTypes).toEqual(["Ingress"]);
  expect(one("Service", { ports }).spec.ports).toHaveLength(1);
});

test("a mesh is asked for its proxy on the Pods", () => {
  expect(pod({ inject: "linkerd" }).metadata.annotations).toEqual({ "linkerd.io/inject": "enabled" });
  expect(pod({ inject: "istio" }).metadata.labels).toMatchObject({ "sidecar.istio.io/inject": "true" });
});

const grant = (name: string): KubernetesObject => ({ apiVersion: "v1", kind: "Role", metadata: { name } });

test("there is a file for each kind, and kustomize is told of all and of the image", () => {
  const objects = manifest({ ...facts, grants: [grant("one"), grant("two")] });
  const files = manifestFiles(objects, "registry:5000/team/greeter:1.2");
  expect(files.map(({ name }) => name)).toEqual([
    "serviceaccount.yaml",
    "role.yaml",
    "service.yaml",
    "deployment.yaml",
    "poddisruptionbudget.yaml",
    "kustomization.yaml",
  ]);
  expect(files[1]!.text.split("---\n")).toHaveLength(2);
  expect(readYaml(files.at(-1)!.text)).toMatchObject({
    resources: files.slice(0, -1).map(({ name }) => name),
    images: [{ name: "registry:5000/team/greeter", newTag: "1.2" }],
  });
  expect(manifestFiles(objects).map(({ name }) => name)).not.toContain("kustomization.yaml");
});

test.each([
  ["registry:5000/greeter", { name: "registry:5000/greeter", newTag: "latest" }],
  ["greeter:1@sha256:ab", { name: "greeter", digest: "sha256:ab" }],
])("the image %s is named to kustomize without tag or digest", (image, expected) => {
  const { text } = manifestFiles(manifest(facts), image).at(-1)!;
  expect(readYaml(text)).toMatchObject({ images: [expected] });
});

test("the text is documents that read back as the objects", () => {
  const objects = manifest({ ...facts, env: { A: "on", B: "1e3", C: "0x1f", D: "12:30", E: "a: b # c\nd" } });
  expect(manifestText(objects).split("---\n").map(readYaml)).toEqual(objects);
});
