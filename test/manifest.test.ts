/** Manifests on a real API server: every kind of them is taken, and its Pods pass PodSecurity's `restricted`. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { controlPlane } from "./control-plane.ts";
import { folder, greeter, microrun, type Outcome, targets } from "./harness.ts";

const plane = await controlPlane();

// biome-ignore lint/suspicious/noExplicitAny: Kubernetes objects
type Any = any;

/** Where Pods have to be harmless. */
async function restricted(): Promise<string> {
  const namespace = await plane!.namespace();
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  await plane!.request("PATCH", `/api/v1/namespaces/${namespace}`, { metadata: { labels } }, merge);
  return namespace;
}
const merge = "application/merge-patch+json";

/** What a ReplicaSet or Job would make of a template, without making it. */
function tryPod(namespace: string, { metadata, spec }: Any): Promise<Any> {
  const pod = { metadata: { ...metadata, name: "try" }, spec };
  return plane!.request(
    "POST",
    `/api/v1/namespaces/${namespace}/pods?dryRun=All&fieldValidation=Strict`,
    pod,
  );
}

const tls = ["--tls_cert=/tls/tls.crt", "--tls_key=/tls/tls.key", "--mount=/tls=secret/greeter-tls"];
const found = ["--registry=kubernetes", "--selector=p2c"];

const variants: Readonly<Record<string, readonly string[]>> = {
  "no more": [],
  "one replica": ["--replicas=1", "--headless", "--image_pull_secret=login"],
  "its registry": [...found, "--config=configmap://default/micro,secret:db", "--set=a.b=c"],
  "the registry of all namespaces": [...found, "--kubernetes_namespace=*", "--no-register"],
  "the registry of another namespace": [
    ...found,
    "--kubernetes_namespace=default",
    "--registry_format=kratos",
  ],
  "gRPC probes": ["--grpc_probe", "--drain_timeout=1m", "--start_timeout=2m"],
  TLS: tls,
  "mutual TLS": [...tls, "--tls_ca=/tls/ca.crt"],
  "ports apart": ["--grpc_address=:9000", "--http_address=:8000", "--health_address=:8081"],
  "an autoscaler and a network policy": ["--autoscale=2-10", "--network_policy=namespace", "--cpu=0.25"],
  "Linkerd, open to the cluster": ["--inject=linkerd", "--network_policy=cluster"],
  Istio: ["--inject=istio", "--memory=1Gi"],
  "an account that is there": [...found, "--service_account=default"],
  "words that YAML 1.1 means otherwise": [
    "--server_version=1e3",
    "--env=ON=on",
    "--env=OCTAL=0o17",
    "--env=HEX=0X1F",
    "--env=TIME=12:30",
    "--env=DAY=2026-11-21",
    "--env=YES=y",
    "--env=TEXT= # no comment: yes",
    "--env_from=secret/one,configmap/two",
    "--server_metadata=a=0x1f",
  ],
  "a name that is a word of YAML's": ["--name=no", "--mount=/tmp=emptydir"],
  "a worker": ["--worker", "--replicas=3", ...found, "--network_policy=namespace"],
  "a job": ["--job", "--", "--since=yesterday", "$(HOME)"],
  "a job at times": ["--schedule=*/15 * * * *", ...found, "--network_policy=namespace"],
};

describe.skipIf(!plane).each([...targets])("from $name,", (target) => {
  const made = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await microrun(target, ["manifest", greeter, ...args]);
    expect([code, stderr]).toEqual([0, ""]);
    return stdout;
  };

  test.each(Object.entries(variants))(
    "a manifest with %s is taken as it is, and its Pods are restricted enough",
    async (_, flags) => {
      const namespace = await restricted();
      const yaml = await made("-n", namespace, "--image=registry.example/greeter:1", ...flags);
      await plane!.kubectl(["apply", "--dry-run=server", "--validate=strict", "-f", "-"], yaml);
      await plane!.apply(yaml);
      const { items } = JSON.parse(await plane!.kubectl(["get", "-f", "-", "-o", "json"], yaml));
      const workload = items.find(({ kind }: Any) => /Deployment|Job/.test(kind));
      const template = (workload.spec.jobTemplate ?? workload).spec.template;
      const pod = await tryPod(namespace, template);
      expect(pod.spec.serviceAccountName).toBe(template.spec.serviceAccountName);
      // as it was sent: nothing got lost on the way through YAML
      const written = yaml.split("---\n").map((text) => Bun.YAML.parse(text) as Any);
      expect(items.map(({ kind }: Any) => kind)).toEqual(written.map(({ kind }) => kind));
      for (const [name, text] of flags.flatMap((flag) =>
        [...flag.matchAll(/^--env=(\w+)=(.*)$/g)].map((m) => m.slice(1)),
      ))
        expect(template.spec.containers[0].env).toContainEqual({ name, value: text });
    },
  );

  test("files are what kubectl applies, with kustomize and without", async () => {
    const namespace = await restricted();
    using place = folder();
    const out = join(place.path, "deploy");
    const said = await made(
      "-n",
      namespace,
      "--image=registry.example/greeter:1",
      "-o",
      out,
      "--kustomize",
      ...found,
    );
    const names = readdirSync(out).sort();
    expect(said.trim().split("\n").sort()).toEqual(names.map((name) => `wrote ${join(out, name)}`));
    expect(names).toContain("kustomization.yaml");
    await plane!.kubectl(["apply", "--dry-run=server", "-k", out]);
    const text = readFileSync(join(out, "kustomization.yaml"), "utf8");
    await Bun.write(join(out, "kustomization.yaml"), text.replace('newTag: "1"', 'newTag: "2"'));
    const built = await plane!.kubectl(["kustomize", out]);
    expect(built).toContain("image: registry.example/greeter:2");
  });

  test("files that an earlier run wrote and this one does not are removed, and no others", async () => {
    using place = folder();
    const out = join(place.path, "deploy");
    const image = "--image=registry.example/greeter:1";
    const own = { metadata: { labels: { "app.kubernetes.io/managed-by": "microrun" } } };
    await made(image, "-o", out, "--kustomize", ...found, "--autoscale=2-4");
    const before = readdirSync(out).sort();
    expect(before).toContain("role.yaml");
    await Bun.write(join(out, "configmap.yaml"), "kind: ConfigMap\nmetadata:\n  name: greeter\n");
    await Bun.write(join(out, "mine.yaml"), Bun.YAML.stringify({ kind: "Role", ...own }));
    await Bun.write(join(out, "broken.yaml"), "a: [");
    const said = await made(image, "-o", out);
    const kept = ["deployment.yaml", "poddisruptionbudget.yaml", "service.yaml", "serviceaccount.yaml"];
    expect(readdirSync(out).sort()).toEqual([...kept, "broken.yaml", "configmap.yaml", "mine.yaml"].sort());
    expect([...(said.match(/^removed .*/gm) ?? [])].sort()).toEqual(
      before.filter((name) => !kept.includes(name)).map((name) => `removed ${join(out, name)}`),
    );
  });

  test("a list of kustomize's that somebody changed stays", async () => {
    using place = folder();
    const image = "--image=registry.example/greeter:1";
    await made(image, "-o", place.path, "--kustomize");
    const path = join(place.path, "kustomization.yaml");
    await Bun.write(path, `${readFileSync(path, "utf8")}namePrefix: my-\n`);
    await made(image, "-o", place.path, "--replicas=1");
    expect(readdirSync(place.path).sort()).toEqual([
      ...["deployment.yaml", "kustomization.yaml", "service.yaml", "serviceaccount.yaml"],
    ]);
  });

  test("the permissions in a manifest are those that rbac prints", async () => {
    const yaml = await made("-n", "shop", "--image=greeter:1", ...found, "--kubernetes_namespace=team-a");
    const printed = await microrun(target, [
      "rbac",
      ...[...found, "--kubernetes_namespace=team-a", "--namespace=shop", "--service_account=greeter"],
    ]);
    const rules = (text: string) =>
      text
        .split("---\n")
        .map((document) => Bun.YAML.parse(document) as Any)
        .filter(({ kind }) => kind.startsWith("Role"))
        .map(({ metadata: { labels: _, ...metadata }, ...object }) => ({ ...object, metadata }));
    expect(rules(yaml)).toEqual(rules(printed.stdout));
    expect(rules(yaml)).toHaveLength(4);
  });
});

test.skipIf(!plane)("the namespaces of these tests refuse Pods that are not restricted", async () => {
  const namespace = await restricted();
  const template = { metadata: {}, spec: { containers: [{ name: "main", image: "greeter:1" }] } };
  expect(tryPod(namespace, template)).rejects.toThrow("violates PodSecurity");
});

describe.each([...targets])("from $name, without a cluster,", (target) => {
  const refused = async (...args: string[]) => {
    const { code, stdout, stderr } = await microrun(target, ["manifest", greeter, ...args]);
    expect([code, stdout]).toEqual([2, ""]);
    return stderr;
  };

  test("nothing of this machine's environment is in a manifest", async () => {
    const run = (env: Record<string, string>) => microrun(target, ["manifest", greeter], { env });
    const [plain, other] = [
      await run({}),
      await run({ MICRO_REGISTRY: "kubernetes", MICRO_SERVER_NAME: "other", MICRO_SELECTOR: "p2c" }),
    ];
    expect(plain.code).toBe(0);
    expect(other).toEqual(plain);
  });

  test("a module that is a function has neither port nor probes nor Service, which is said", async () => {
    using place = folder({
      "loop.ts": "export default async ({ signal }) => { for (;;) await pause(signal); };",
    });
    const module = join(place.path, "loop.ts");
    const run = (...args: string[]) => microrun(target, ["manifest", module, "--image=loop:1", ...args]);
    const kinds = ({ stdout }: Outcome) => stdout.match(/(?<=^kind: ).*/gm);
    const worker = await run("--registry=kubernetes");
    expect(kinds(worker)).toEqual(["ServiceAccount", "Role", "RoleBinding", "Deployment"]);
    expect(worker.stdout).not.toContain("Probe");
    // nothing is registered
    expect(worker.stdout).not.toMatch(/- patch|micro.mu/);
    expect(worker.stderr).toStartWith(`note: ${module} exports a function: its Pods get no port`);
    expect(await run("--worker")).toMatchObject({ code: 0, stderr: "" });
    for (const flag of ["--no-worker", "--server_address=:9000"]) {
      const served = await run(flag);
      expect(served.stderr).toBe("");
      expect(kinds(served)).toContain("Service");
    }
  });

  test("the image that nobody named is told", async () => {
    const { stderr } = await microrun(target, ["manifest", greeter]);
    expect(stderr).toStartWith("note: the image is greeter:latest, ");
  });

  test("the module is not run for it", async () => {
    using place = folder({
      "shop.ts": `export const name = "seller"; export const version = "1.2"; throw new Error("ran");`,
    });
    const { code, stdout } = await microrun(target, ["manifest", join(place.path, "shop.ts")]);
    expect(code).toBe(0);
    expect(stdout).toContain("image: seller:1.2\n");
  });

  test.each([
    [["--name=Bad_"], "name Bad_: not one that a Service can have"],
    [["--name=1st"], "name 1st: not one that a Service can have"],
    [["-n", "Shop"], "namespace Shop: not a name of Kubernetes'"],
    [["--image=Greeter:1"], "Greeter"],
    [["--image=greeter:a b"], "greeter:a b"],
    [["--memory=256m"], "--memory=256m: not an amount of memory"],
    [["--cpu=half"], "--cpu=half: not a number of CPUs"],
    [["--autoscale=5-2"], "--autoscale=5-2: not a range"],
    [["--autoscale=2-5", "--replicas=3"], "--replicas: the autoscaler says how many"],
    [["--job", "--replicas=3"], "--replicas: has no meaning for a job"],
    [["--schedule=often"], "--schedule=often: not a schedule of cron's"],
    [["--mount=tls=secret/x"], "--mount=tls: not a path of the container"],
    [["--mount=/tls"], "--mount=/tls: what is there is not said"],
    [["--mount=/app=emptydir"], "--mount=/app: hides the module"],
    [["--mount=/x=emptydir", "--mount=/x=secret/a"], "--mount=/x: said twice"],
    [["--tls_cert=/tls/a.crt"], "--tls_cert: useless without --tls_key"],
    [["--replicas=99999999999"], "--replicas=99999999999: too much"],
    [["--env=POD_NAME=x"], "--env=POD_NAME: each Pod is told its own"],
    [["--env=MICRO_WATCH=true"], "--env=MICRO_WATCH: has no meaning in a Pod"],
    [["--image_pull_secret=B B"], "--image_pull_secret=B B: not a name"],
    [["--health_address=:8080"], "--health_address=:8080: port 8080 serves calls already"],
    [["--mount=/tls=secrte/x"], "--mount: secrte/x is no ConfigMap or Secret, did you mean secret?"],
    [["--env_from=x"], "--env_from: x is no ConfigMap or Secret"],
    [["--env=1bad=x"], "--env=1bad: not a name of a variable"],
    [["--server_address=127.0.0.1:80"], "nobody outside the Pod can reach it"],
    [["--log_level=loud"], "--log_level=loud: not known"],
    [["--config=nope:x"], "nope"],
    [["--kustomize"], "--kustomize: makes a file among others"],
    [["--service_account=A/b"], "A/b"],
    [["--server_id=x"], "hint: leave it out: each Pod has an id of its own"],
  ])("%j is refused with a hint", async (args, message) => {
    const said = await refused(...args);
    expect(said).toStartWith("error: ");
    expect(said).toContain(message);
    expect(said).toContain("\n  hint: ");
  });

  test("a folder that cannot be written to is told", async () => {
    const { code, stderr } = await microrun(target, ["manifest", greeter, "-o", "/proc/x/y"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("error: manifest: cannot write /proc/x")]);
  });
});
