import { expect, test } from "bun:test";
import type { MicroService, MicroServiceSpec } from "../../operator.ts";
import type { Given } from "../flags/values.ts";
import { planned } from "./planned.ts";
import { readWorkload } from "./workload.ts";

const image = "registry.example/greeter:1";
const service = (spec: MicroServiceSpec): MicroService => ({
  ...{
    name: "greeter",
    namespace: "shop",
    uid: "1",
    generation: 1,
    leaving: false,
    adopts: false,
    spec,
    status: {},
  },
});
const objects = async (spec: MicroServiceSpec) => (await planned(service(spec), undefined)).objects;

/** As `microrun manifest` makes them. */
async function byFlags(flags: Readonly<Record<string, string[]>>, isFunction = false) {
  const given: Given = new Map(Object.entries({ name: ["greeter"], ...flags }));
  const own = { name: "greeter", isFunction, subscribes: true };
  const options = {
    command: "manifest",
    module: "greeter.ts",
    own,
    given,
    rest: [],
    image,
    namespace: "shop",
  };
  return (await readWorkload(options)).objects;
}

test.each<[string, MicroServiceSpec, Record<string, string[]>]>([
  ["nothing more", { image }, {}],
  [
    "its Pods",
    {
      image,
      replicas: 3,
      resources: { cpu: "1", memory: "1Gi" },
      env: [{ name: "A", value: "x,y=z" }, { name: "B" }],
      envFrom: [{ secret: "keys" }, { configMap: "words" }],
      mounts: [{ path: "/etc/tls", secret: "tls" }, { path: "/tmp" }],
      imagePullSecrets: ["login"],
    },
    {
      replicas: ["3"],
      cpu: ["1"],
      memory: ["1Gi"],
      env: ["A=x,y=z", "B="],
      env_from: ["secret/keys", "configmap/words"],
      mount: ["/etc/tls=secret/tls", "/tmp=emptydir"],
      image_pull_secret: ["login"],
    },
  ],
  [
    "its CPUs and bytes as numbers",
    { image, resources: { cpu: 1, memory: 134_217_728 } },
    { cpu: ["1"], memory: ["134217728"] },
  ],
  [
    "how it is found",
    {
      image,
      version: "2",
      serverName: "go.micro.srv.greeter",
      registry: "kubernetes",
      registryFormat: "kratos",
      selector: "p2c",
      transport: "grpc",
    },
    {
      server_name: ["go.micro.srv.greeter"],
      server_version: ["2"],
      registry: ["kubernetes"],
      registry_format: ["kratos"],
      selector: ["p2c"],
      transport: ["grpc"],
    },
  ],
  [
    "ports, callers and a mesh",
    {
      image,
      ports: { grpc: 9000, http: 8000, health: 8081 },
      headless: true,
      grpcProbe: true,
      networkPolicy: "Cluster",
      mesh: "istio",
    },
    {
      grpc_address: [":9000"],
      http_address: [":8000"],
      health_address: [":8081"],
      headless: ["true"],
      grpc_probe: ["true"],
      network_policy: ["cluster"],
      inject: ["istio"],
    },
  ],
  ["an autoscaler", { image, autoscale: { min: 2, max: 9 } }, { autoscale: ["2-9"] }],
  ["a worker", { image, worker: true, replicas: 0 }, { worker: ["true"], replicas: ["0"] }],
  ["a schedule", { image, schedule: "*/5 * * * *" }, { schedule: ["*/5 * * * *"] }],
  ["an account that is there", { image, serviceAccountName: "seller" }, { service_account: ["seller"] }],
  [
    "flags of a run",
    { image, args: ["--log-level=debug", "--no-register", "--inspect"] },
    { log_level: ["debug"], register: ["false"], inspect: ["true"] },
  ],
])("a spec with %s makes what the same flags make", async (_, spec, flags) => {
  const isFunction = spec.worker === true || spec.schedule !== undefined;
  expect(await objects(spec)).toEqual([...(await byFlags(flags, isFunction))]);
});

test("configuration of the spec comes after the environment's, the last of all what is written in it", async () => {
  const config = { configMaps: ["shop", "more"], secrets: ["db"], data: { "a.b": "1" } };
  const [written, ...rest] = await objects({ image, config, args: ["--config=file:/etc/x.yaml"] });
  expect(written).toMatchObject({
    kind: "ConfigMap",
    metadata: { name: "greeter-config" },
    data: { "a.b": "1" },
  });
  const sources = ["env:", "configmap:shop", "configmap:more", "secret:db", "configmap:greeter-config"];
  expect(rest).toEqual([...(await byFlags({ config: [...sources, "file:/etc/x.yaml"] }))]);
});

test("a module that is a text is mounted and named, its own words behind it", async () => {
  const spec = { module: { configMap: "code", key: "main.js" }, args: ["--", "--since=1"] };
  const { image, objects } = await planned(service(spec), "microrun:1");
  expect(image).toBe("microrun:1");
  const deployment = objects.find(({ kind }) => kind === "Deployment");
  const { containers, volumes } = JSON.parse(JSON.stringify(deployment)).spec.template.spec;
  expect(containers[0]).toMatchObject({ image, args: ["/module/main.js", "--", "--since=1"] });
  expect(volumes).toEqual([{ name: "mount-0", configMap: { name: "code" } }]);
  expect(objects.map(({ kind }) => kind)).not.toContain("ConfigMap");
});

test.each<[string, MicroServiceSpec, RegExp]>([
  ["a text where nothing runs it", { module: { source: "x" } }, /no image that runs it/],
  [
    "a field said again",
    { image, registry: "memory", args: ["--registry=kubernetes"] },
    /--registry: a field of/,
  ],
  [
    "a flag that is none",
    { image, args: ["--regstry=memory"] },
    /unknown flag --regstry, did you mean registry\?/,
  ],
  ["a flag of the manifest", { image, args: ["--replicas=2"] }, /unknown flag --replicas/],
  ["a flag of this machine", { image, args: ["--kubeconfig=/x"] }, /--kubeconfig: has no meaning in a Pod/],
  ["a flag without its value", { image, args: ["--log_level", "debug"] }, /--log_level: needs a value/],
  ["a stray word, which is not told", { image, args: ["hunter2"] }, /^spec\.args: a word is no flag$/],
  [
    "another namespace's ConfigMap",
    { image, args: ["--config=configmap://other/x"] },
    /beyond namespace shop/,
  ],
  ["no CPU", { image, resources: { cpu: 0 } }, /--cpu=0: not a number of CPUs/],
  ["memory that a unit is missing of", { image, resources: { memory: 256 } }, /--memory=256: not an amount/],
  ["a schedule that is none", { image, schedule: "at noon" }, /not a schedule/],
])("%s is refused", async (_, spec, why) => {
  await expect(objects(spec)).rejects.toThrow(why);
});

test("an account that is there is granted nothing: several may share it, and others have granted what it needs", async () => {
  const args = ["--config=configmap://other/x", "--config=configmap:mine"];
  const made = await objects({ image, serviceAccountName: "seller", registry: "kubernetes", args });
  expect(made.map(({ kind }) => kind)).toEqual(["Service", "Deployment", "PodDisruptionBudget"]);
});
