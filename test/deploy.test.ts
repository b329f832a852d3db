/** `microrun deploy` against a real API server, where the test plays the controllers. */
import { describe, expect, test } from "bun:test";
import { controlPlane, freePorts } from "./control-plane.ts";
import { folder, greeter, microrun, type Outcome, targets } from "./harness.ts";
import { registryBinaries, startRegistry } from "./oci-registry.ts";

const plane = await controlPlane();
const registry = await registryBinaries();
const image = "--image=registry.example/greeter:1";
const merge = "application/merge-patch+json";

// biome-ignore lint/suspicious/noExplicitAny: Kubernetes objects
type Any = any;

const deploymentPath = (namespace: string, name = "greeter") =>
  `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;

/** What is at a path, once it is there. */
async function appeared(path: string, wanted: (object: Any) => boolean = () => true): Promise<Any> {
  for (const end = Date.now() + 20_000; ; await Bun.sleep(20)) {
    const object = await plane!.request("GET", path).catch(() => undefined);
    if (object !== undefined && wanted(object)) return object;
    if (Date.now() > end) throw new Error(`${path}: it does not come`);
  }
}

async function setStatus(path: string, status: object): Promise<void> {
  await plane!.request("PATCH", `${path}/status`, { status }, merge);
}

/** As the controller does, which adds the end to the status. */
async function endJob(path: string, type: "Complete" | "Failed"): Promise<void> {
  const now = new Date().toISOString().replace(/\.\d+/, "");
  const condition = (type: string) => ({
    type,
    status: "True",
    message: "it was so",
    lastTransitionTime: now,
  });
  await setStatus(path, {
    startTime: now,
    ...(type === "Complete"
      ? {
          completionTime: now,
          succeeded: 1,
          conditions: [condition("SuccessCriteriaMet"), condition("Complete")],
        }
      : { failed: 4, conditions: [condition("FailureTarget"), condition("Failed")] }),
  });
}

/** The controller does nothing wrong: step by step all Pods are new and available. */
async function rollOut(namespace: string, image = "registry.example/greeter:1"): Promise<void> {
  const path = deploymentPath(namespace);
  const isNew = ({ spec }: Any) => spec.template.spec.containers[0].image === image;
  const { metadata, spec } = await appeared(path, isNew);
  const { replicas } = spec;
  const seen = { observedGeneration: metadata.generation, replicas };
  await setStatus(path, { ...seen, updatedReplicas: 1, unavailableReplicas: replicas });
  await Bun.sleep(1200);
  await setStatus(path, {
    ...seen,
    updatedReplicas: replicas,
    readyReplicas: replicas,
    availableReplicas: replicas,
    unavailableReplicas: 0,
  });
}

/** A Pod of the Deployment, as its controllers would have made it. */
async function podOf(namespace: string, status: object): Promise<string> {
  const { spec } = await appeared(deploymentPath(namespace));
  const pod = await plane!.pod(namespace, { template: spec.template, phase: "Pending", ready: false });
  await setStatus(`/api/v1/namespaces/${namespace}/pods/${pod.name}`, status);
  return pod.name;
}

describe.skipIf(!plane).each([...targets])("from $name, deploy", (target) => {
  const admin = plane!.kubeconfig();
  const deploy = (namespace: string, ...args: string[]): Promise<Outcome> =>
    microrun(target, ["deploy", greeter, image, `--kubeconfig=${admin}`, "-n", namespace, ...args]);

  test("applies all of the manifest and waits until it runs", async () => {
    const namespace = await plane!.namespace();
    const [done] = await Promise.all([
      deploy(namespace, "--registry=kubernetes", "--network_policy=namespace"),
      rollOut(namespace),
    ]);
    expect(done.stderr.trim().split("\n")).toEqual([
      ...["serviceaccount/greeter", "role/microrun-greeter", "rolebinding/microrun-greeter"].map(
        (name) => `applied ${name}`,
      ),
      ...["networkpolicy/greeter", "service/greeter", "deployment/greeter"].map((name) => `applied ${name}`),
      "applied poddisruptionbudget/greeter",
      ...(done.stderr.includes("not taken") ? ["the cluster has not taken it up yet"] : []),
      "1 of 2 Pods are new",
    ]);
    expect([done.code, done.stdout]).toEqual([
      0,
      `greeter in namespace ${namespace}: registry.example/greeter:1\n`,
    ]);
    const { metadata } = await plane!.request("GET", deploymentPath(namespace));
    expect(metadata.managedFields[0]).toMatchObject({ manager: "microrun", operation: "Apply" });
  });

  test("goes where the context says, and need not wait", async () => {
    const namespace = await plane!.namespace();
    const config = plane!.kubeconfig({ namespace });
    const done = await microrun(target, ["deploy", greeter, image, "--no-wait"], {
      env: { KUBECONFIG: config },
    });
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining(`in namespace ${namespace}:`) });
    expect((await appeared(deploymentPath(namespace))).spec.replicas).toBe(2);
  });

  test.each([
    ["the first time", undefined, ""],
    ["later", "2", ", or go back: kubectl -n NAMESPACE rollout undo deployment/greeter; "],
  ])("tells why Pods do not start, and ends when the cluster gives up, %s", async (_, revision, back) => {
    const namespace = await plane!.namespace();
    const deploying = deploy(namespace);
    await appeared(deploymentPath(namespace));
    const annotations = { "deployment.kubernetes.io/revision": revision };
    await plane!.request("PATCH", deploymentPath(namespace), { metadata: { annotations } }, merge);
    const waiting = {
      reason: "ImagePullBackOff",
      message: 'Back-off pulling image "registry.example/greeter:1"',
    };
    const containerStatuses = [
      { name: "greeter", image: "x", imageID: "", ready: false, restartCount: 0, state: { waiting } },
    ];
    await podOf(namespace, { containerStatuses });
    await Bun.sleep(1500);
    const progress = {
      type: "Progressing",
      status: "False",
      reason: "ProgressDeadlineExceeded",
      message: "too slow",
    };
    const { generation } = (await appeared(deploymentPath(namespace))).metadata;
    await setStatus(deploymentPath(namespace), { observedGeneration: generation, conditions: [progress] });
    const { code, stdout, stderr } = await deploying;
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^pod pod-\d+: ImagePullBackOff: Back-off pulling image/m);
    expect(stderr).toMatch(
      /^error: rollout of greeter has failed: too slow; pod pod-\d+: ImagePullBackOff: /m,
    );
    const hint = `hint: mend it and deploy again${back.replace("NAMESPACE", namespace)}`;
    expect(stderr).toMatch(
      new RegExp(`${hint}${back === "" ? "$" : "the deployment after that needs --force"}`, "m"),
    );
  });

  test("tells what kubelet warns of where the Pod itself says nothing", async () => {
    const namespace = await plane!.namespace();
    const deploying = deploy(namespace, "--timeout=4s");
    const waiting = { reason: "ContainerCreating" };
    const name = await podOf(namespace, {
      containerStatuses: [
        { name: "greeter", image: "x", imageID: "", ready: false, restartCount: 0, state: { waiting } },
      ],
    });
    const now = new Date().toISOString().replace(/\.\d+/, "");
    await plane!.request("POST", `/api/v1/namespaces/${namespace}/events`, {
      metadata: { name: `${name}.1` },
      involvedObject: { kind: "Pod", namespace, name },
      type: "Warning",
      reason: "FailedMount",
      message: 'MountVolume.SetUp failed for volume "mount-0" : secret "missing" not found',
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    });
    const { code, stderr } = await deploying;
    const why = `pod ${name}: FailedMount: MountVolume.SetUp failed for volume "mount-0" : secret "missing" not found`;
    expect(code).toBe(1);
    expect(stderr.split("\n").filter((line) => line === why)).toHaveLength(1);
    expect(stderr).toMatch(/^error: rollout of greeter is not done after 4 s: .*FailedMount/m);
  });

  test("waits no longer than it may", async () => {
    const namespace = await plane!.namespace();
    const begun = performance.now();
    const { code, stderr } = await deploy(namespace, "--timeout=1s");
    expect(code).toBe(1);
    expect(stderr).toContain(
      "error: rollout of greeter is not done after 1 s: the cluster has not taken it up yet",
    );
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  test("who waits no longer leaves the rollout to itself", async () => {
    const namespace = await plane!.namespace();
    const command = [...target.command, "deploy", greeter, image, `--kubeconfig=${admin}`, "-n", namespace];
    const child = Bun.spawn(command, { stdout: "ignore", stderr: "pipe" });
    await appeared(`/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/greeter`);
    child.kill("SIGINT");
    const said = await new Response(child.stderr).text();
    expect([await child.exited, said]).toEqual([
      1,
      expect.stringContaining("error: the rollout of greeter goes on: nobody waits for it any more\n"),
    ]);
  });

  test("waits for a job until it is complete, or has failed", async () => {
    for (const [type, code] of [
      ["Complete", 0],
      ["Failed", 1],
    ] as const) {
      const namespace = await plane!.namespace();
      const deploying = deploy(namespace, "--job");
      const path = `/apis/batch/v1/namespaces/${namespace}/jobs/greeter`;
      await appeared(path);
      await endJob(path, type);
      const done = await deploying;
      expect([done.code, done.stderr]).toEqual([
        code,
        code === 0 ? expect.any(String) : expect.stringContaining("rollout of greeter has failed: it was so"),
      ]);
    }
  });

  test("runs a job again when the run before is over, with other flags too", async () => {
    const namespace = await plane!.namespace();
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs/greeter`;
    const again = (...args: string[]) => deploy(namespace, "--job", "--no-wait", "--env=A=secret", ...args);
    expect((await again()).code).toBe(0);
    const first = await appeared(path);
    const busy = await again("--env=B=other");
    expect(busy.code).toBe(1);
    expect(busy.stderr).toContain(
      "error: cannot apply job/greeter: the run before is not over: 0 Pods run\n",
    );
    expect(busy.stderr).toContain(`kubectl -n ${namespace} delete job/greeter`);
    expect((await appeared(path)).metadata.uid).toBe(first.metadata.uid);
    for (const type of ["Complete", "Failed"] as const) {
      const { metadata } = await appeared(path);
      await endJob(path, type);
      expect(await again(`--env=B=${type}`)).toMatchObject({ code: 0 });
      const next = await appeared(path);
      expect(next.metadata.uid).not.toBe(metadata.uid);
      expect(next.spec.template.spec.containers[0].env.at(-1)).toEqual({ name: "B", value: type });
    }
  });

  test("removes no job that it did not make, nor without being allowed to; what the job holds is not told", async () => {
    const namespace = await plane!.namespace();
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs/greeter`;
    const job = (...args: string[]) => deploy(namespace, "--job", "--no-wait", ...args);
    expect((await job("--env=A=secret-1")).code).toBe(0);
    await endJob(path, "Complete");
    const dev = await someone(namespace, [
      ["", "serviceaccounts"],
      ["batch", "jobs"],
    ]);
    const blind = await job("--env=A=secret-2", dev);
    expect(blind.code).toBe(1);
    expect(blind.stderr).toContain("cannot apply job/greeter: ");
    expect(blind.stderr).toContain("spec.template: field is immutable");
    expect(blind.stderr).not.toMatch(/secret-\d/);
    expect(blind.stderr).toContain(`kubectl -n ${namespace} delete job/greeter`);
    const labels = { "app.kubernetes.io/managed-by": "Helm" };
    await plane!.request("PATCH", path, { metadata: { labels } }, merge);
    const refused = await job();
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("one of that name is there that microrun did not make");
    await appeared(path);
  });

  test("takes over what kubectl has applied of the same manifest", async () => {
    const namespace = await plane!.namespace();
    const flags = ["--registry=kubernetes", "--grpc_probe", "--mount=/tmp=emptydir"];
    const made = await microrun(target, ["manifest", greeter, image, "-n", namespace, ...flags]);
    await plane!.apply(made.stdout);
    expect(await deploy(namespace, "--no-wait", ...flags)).toMatchObject({ code: 0 });
  });

  test("follows what init writes, step by step", async () => {
    using place = folder();
    const namespace = await plane!.namespace();
    const { stdout } = await microrun(target, ["init", "greeter"], { cwd: place.path });
    const made = `${place.path}/greeter`;
    const step = async (kubectl: string) => {
      expect(stdout).toContain(`\n  kubectl ${kubectl}`);
      const args = kubectl.replaceAll(/greeter\.(?=yaml|ts|proto)/g, `${made}/greeter.`).split(" ");
      await plane!.kubectl(["-n", namespace, ...args]);
    };
    await step("create configmap greeter --from-file=greeter.ts --from-file=greeter.proto");
    await step("apply -f greeter.yaml");
    const own = await plane!.request("GET", deploymentPath(namespace));
    const service = await plane!.request("GET", `/api/v1/namespaces/${namespace}/services/greeter`);
    await step("delete -f greeter.yaml");
    expect((await deploy(namespace, "--no-wait")).code).toBe(0);
    const deployed = await plane!.request("GET", deploymentPath(namespace));
    expect(own.spec.selector).toEqual(deployed.spec.selector);
    expect(service.spec.selector).toEqual(deployed.spec.selector.matchLabels);
  });

  test("an autoscaler takes over as many replicas as there are", async () => {
    const namespace = await plane!.namespace();
    expect((await deploy(namespace, "--no-wait", "--replicas=4")).code).toBe(0);
    for (const _ of ["handed over", "nobody's"]) {
      expect((await deploy(namespace, "--no-wait", "--autoscale=2-10")).code).toBe(0);
      expect((await plane!.request("GET", deploymentPath(namespace))).spec.replicas).toBe(4);
    }
    // as the autoscaler does
    await plane!.kubectl(["-n", namespace, "scale", "deployment/greeter", "--replicas=7"]);
    expect((await deploy(namespace, "--no-wait", "--autoscale=2-10")).code).toBe(0);
    expect((await plane!.request("GET", deploymentPath(namespace))).spec.replicas).toBe(7);
  });

  test("changes nothing where it may not, and names the permission", async () => {
    const namespace = await plane!.namespace();
    const kubeconfig = plane!.kubeconfig({ user: { name: "guest" } });
    const refused = await deploy(namespace, `--kubeconfig=${kubeconfig}`);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("error: cannot apply serviceaccount/greeter: ");
    expect(refused.stderr).toContain(
      `hint: have guest be allowed to create and patch serviceaccounts in namespace ${namespace}`,
    );
    const { items } = await plane!.request("GET", `/api/v1/namespaces/${namespace}/services`);
    expect(items).toEqual([]);
  });

  /** A user who may make these, and nothing else. */
  const someone = async (
    namespace: string,
    rules: readonly [apiGroup: string, resource: string, verb?: string][],
  ) => {
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "some" };
    const subjects = [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "dev" }];
    const verbs = ["create", "patch"];
    for (const object of [
      {
        kind: "Role",
        metadata: { name: "some" },
        rules: rules.map(([group, resource, verb]) => ({
          apiGroups: [group],
          resources: [resource],
          verbs: verb === undefined ? verbs : [verb],
        })),
      },
      { kind: "RoleBinding", metadata: { name: "some" }, roleRef, subjects },
    ]) {
      const apiVersion = "rbac.authorization.k8s.io/v1";
      await plane!.apply(JSON.stringify({ apiVersion, ...object }), namespace);
    }
    return `--kubeconfig=${plane!.kubeconfig({ user: { name: "dev" } })}`;
  };

  test("who lacks one permission of many has nothing applied", async () => {
    const namespace = await plane!.namespace();
    const dev = await someone(namespace, [
      ["", "serviceaccounts"],
      ["", "services"],
    ]);
    const refused = await deploy(namespace, dev);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("have dev be allowed to create and patch deployments in namespace");
    expect(refused.stderr).not.toContain("applied ");
    const { items } = await plane!.request("GET", `/api/v1/namespaces/${namespace}/services`);
    expect(items).toEqual([]);
  });

  test("who may apply but not look is told so, and need not look", async () => {
    const namespace = await plane!.namespace();
    const dev = await someone(namespace, [
      ["", "serviceaccounts"],
      ["", "services"],
      ["apps", "deployments"],
    ]);
    const blind = await deploy(namespace, dev, "--replicas=1");
    expect(blind.code).toBe(1);
    expect(blind.stderr).toContain(
      "applied deployment/greeter\nerror: cannot follow the rollout of greeter: ",
    );
    expect(blind.stderr).toContain(`get deployments in namespace ${namespace}, or add --no-wait`);
    expect((await deploy(namespace, dev, "--replicas=1", "--no-wait")).code).toBe(0);
  });

  test("a namespace that is missing is told, and made when asked", async () => {
    const namespace = `new-${crypto.randomUUID().slice(0, 8)}`;
    const missing = await deploy(namespace, "--no-wait");
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain(`namespaces "${namespace}" not found`);
    expect(missing.stderr).toContain("hint: create the namespace, or add --create_namespace");
    for (const _ of ["made", "there already"])
      expect(await deploy(namespace, "--no-wait", "--create_namespace")).toMatchObject({ code: 0 });
  });

  test("what others have set stays theirs unless it is taken over", async () => {
    const namespace = await plane!.namespace();
    expect((await deploy(namespace, "--no-wait")).code).toBe(0);
    await plane!.kubectl(["-n", namespace, "scale", "deployment/greeter", "--replicas=5"]);
    const conflict = await deploy(namespace, "--no-wait");
    expect(conflict.code).toBe(1);
    expect(conflict.stderr).toMatch(
      /cannot apply deployment\/greeter: Apply failed with 1 conflict.*spec.replicas/s,
    );
    expect(conflict.stderr).toContain(
      "hint: let whoever set these fields give them up, or take them over by --force_conflicts",
    );
    expect((await deploy(namespace, "--no-wait", "--force_conflicts")).code).toBe(0);
    expect((await plane!.request("GET", deploymentPath(namespace))).spec.replicas).toBe(2);
  });

  test("what cannot be changed is told with what to do", async () => {
    const namespace = await plane!.namespace();
    const labels = { app: "greeter" };
    const template = {
      metadata: { labels },
      spec: { containers: [{ name: "greeter", image: "greeter:0" }] },
    };
    const old = {
      kind: "Deployment",
      metadata: { name: "greeter" },
      spec: { selector: { matchLabels: labels }, template },
    };
    await plane!.apply(JSON.stringify({ apiVersion: "apps/v1", ...old }), namespace);
    const { code, stderr } = await deploy(namespace, "--no-wait", "--force_conflicts");
    expect(code).toBe(1);
    expect(stderr).toContain(
      `hint: choose another --name, or remove what is there: kubectl -n ${namespace} delete deployment/greeter`,
    );
    expect(stderr).toContain("spec.selector: field is immutable");
    expect(stderr).not.toContain("matchLabels");
  });

  test("a Service that is to become headless is told to be removed first", async () => {
    const namespace = await plane!.namespace();
    expect((await deploy(namespace, "--no-wait")).code).toBe(0);
    const { code, stderr } = await deploy(namespace, "--no-wait", "--headless");
    expect(code).toBe(1);
    expect(stderr).toContain("error: cannot apply service/greeter: ");
    expect(stderr).toContain(`kubectl -n ${namespace} delete service/greeter`);
  });

  test("who may do all in a namespace needs nothing more where it is there", async () => {
    const namespace = await plane!.namespace();
    const lim = await someone(namespace, [
      ["", "namespaces", "get"],
      ["", "serviceaccounts"],
      ["", "services"],
      ["apps", "deployments"],
      ["policy", "poddisruptionbudgets"],
    ]);
    expect(await deploy(namespace, lim, "--no-wait", "--create_namespace")).toMatchObject({ code: 0 });
    const missing = await deploy(`new-${namespace}`, lim, "--no-wait", "--create_namespace");
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain("hint: have dev be allowed to create namespaces in the cluster\n");
  });

  test.skipIf(!registry)("pushes an image of the module and runs that, by its digest", async () => {
    await using own = await startRegistry(registry!.registry);
    const namespace = await plane!.namespace();
    const done = await microrun(target, [
      ...["deploy", greeter, "-t", `${own.host}/shop/greeter:1`, "--base=scratch", "--env=WHERE=here"],
      ...[`--kubeconfig=${admin}`, "-n", namespace, "--no-wait"],
    ]);
    expect(done).toMatchObject({ code: 0, stderr: expect.stringContaining("applied deployment/greeter\n") });
    const [container] = (await plane!.request("GET", deploymentPath(namespace))).spec.template.spec
      .containers;
    expect(container.image).toMatch(/^127\.0\.0\.1:\d+\/shop\/greeter@sha256:[\da-f]{64}$/);
    const url = `http://${container.image.replace("/shop/greeter@", "/v2/shop/greeter/manifests/")}`;
    const accept = "application/vnd.oci.image.manifest.v1+json";
    const pushed: Any = await (await fetch(url, { headers: { accept } })).json();
    const blob = url.replace(/manifests.*/, `blobs/${pushed.config.digest}`);
    const { config }: Any = await (await fetch(blob)).json();
    expect(JSON.stringify(config.Env)).not.toContain("WHERE");
  });

  test("a cluster that nobody can reach is told before anything is built", async () => {
    const [port = 0] = await freePorts(1);
    const kubeconfig = plane!.kubeconfig({ server: `https://127.0.0.1:${port}` });
    const { code, stderr } = await microrun(target, [
      ...["deploy", greeter, "-t", "registry.invalid/greeter:1", `--kubeconfig=${kubeconfig}`],
    ]);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(
        /^error: cannot reach https:\S+: connection refused\n {2}hint: check that the cluster runs/,
      ),
    ]);
  });

  test("what is wrong with the image's flags is told before the cluster is asked", async () => {
    const [port = 0] = await freePorts(1);
    const kubeconfig = plane!.kubeconfig({ server: `https://127.0.0.1:${port}` });
    for (const [args, why] of [
      [["-t", "Bad Name"], "Bad Name"],
      [["-t", "registry.example/greeter:1", image], "--tag: has no meaning with --image"],
      [["--base=scratch", image], "--base: has no meaning with --image"],
    ] as const) {
      const { code, stderr } = await microrun(target, [
        ...["deploy", greeter, `--kubeconfig=${kubeconfig}`, ...args],
      ]);
      expect([code, stderr]).toEqual([2, expect.stringContaining(why)]);
    }
  });

  test("it is asked wrongly without a module, and without a place for the image", async () => {
    for (const args of [["deploy"], ["deploy", greeter]]) {
      const { code, stdout, stderr } = await microrun(target, args);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toContain("hint: write microrun deploy ./greeter.ts -t registry.example/greeter:1");
    }
  });
});
