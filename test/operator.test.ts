/** `microrun operator` against a real API server, by the permissions that its manifest grants; the test plays the controllers. */
import { describe, expect, test } from "bun:test";
import { controlPlane } from "./control-plane.ts";
import { microrun, serve, targets } from "./harness.ts";
import { type Any, type OperatorStage, operatorStage } from "./operator-stage.ts";

const plane = await controlPlane();
const image = "registry.example/greeter:1";
const merge = "application/merge-patch+json";

describe.skipIf(!plane).each([...targets])("from $name, the operator", (target) => {
  const stage = (...installed: string[]) => operatorStage(plane!, target, ...installed);

  test("makes what a MicroService asks for, owned by it, and tells how it is", async () => {
    const { namespace, operator, apply, get, until, rollOut, condition, events } = await stage();
    await using _operator = await operator();
    await apply("greeter", { image, version: "1.2", registry: "kubernetes", networkPolicy: "Namespace" });
    const deployment = await until("deployments/greeter");
    const { uid } = (await get("microservices/greeter")).metadata;
    const made = [
      ...["serviceaccounts/greeter", "roles/microrun-greeter", "rolebindings/microrun-greeter"],
      ...["networkpolicies/greeter", "services/greeter", "poddisruptionbudgets/greeter"],
    ];
    for (const path of made) {
      const { metadata } = await until(path);
      expect(metadata.ownerReferences, path).toEqual([
        { apiVersion: "microrun.dev/v1alpha1", kind: "MicroService", name: "greeter", uid, controller: true },
      ]);
      expect(metadata.labels["microrun.dev/microservice"]).toBe("greeter");
      expect(metadata.managedFields[0]).toMatchObject({ manager: "microrun-operator", operation: "Apply" });
    }
    // the same as the command line makes of it
    const flags = ["--name=greeter", "--server_version=1.2", "--registry=kubernetes", `-n=${namespace}`];
    const { stdout } = await microrun(target, [
      ...[
        "manifest",
        "examples/greeter/greeter.ts",
        `--image=${image}`,
        "--network_policy=namespace",
        ...flags,
      ],
    ]);
    const [printed] = stdout.split("---\n").filter((text) => text.includes("kind: Deployment"));
    const dryRun = [
      "apply",
      "--dry-run=server",
      "--server-side",
      "--force-conflicts",
      "-o",
      "json",
      "-f",
      "-",
    ];
    expect(JSON.parse(await plane!.kubectl(dryRun, printed)).spec).toEqual(deployment.spec);

    expect(await condition("greeter", "Ready", ({ status }) => status === "False")).toMatchObject({
      reason: "RollingOut",
      message: "the cluster has not taken it up yet",
      observedGeneration: 1,
    });
    await rollOut("greeter");
    expect(await condition("greeter", "Ready", ({ status }) => status === "True")).toMatchObject({
      reason: "Available",
      message: "2 Pods are available",
    });
    const { status } = await get("microservices/greeter");
    expect(status).toMatchObject({ observedGeneration: 1, image, replicas: 2, readyReplicas: 2 });
    expect(status.selector).toContain("app.kubernetes.io/name=greeter");
    const states = status.conditions.map((one: Any) => `${one.type}=${one.status}`);
    expect(states).toEqual(["Ready=True", "Progressing=False", "Degraded=False"]);
    const shown = await plane!.kubectl(["get", "microservices", "-n", namespace]);
    expect(shown.split("\n")[0]?.split(/\s+/)).toEqual([
      "NAME",
      "IMAGE",
      "REPLICAS",
      "READY",
      "STATUS",
      "AGE",
    ]);
    expect(shown.split("\n")[1]?.split(/\s+/).slice(0, 5)).toEqual(["greeter", image, "2", "2", "Available"]);
    expect(await events("greeter", "Ready")).toEqual(["2 Pods are available"]);
    expect((await events("greeter", "Made"))[0]).toContain("deployment/greeter");
  });

  test("follows a change, removes what is no longer wanted, and scales", async () => {
    const { namespace, operator, apply, until, gone } = await stage();
    await using _operator = await operator();
    await apply("greeter", { image, networkPolicy: "Namespace" });
    await until("poddisruptionbudgets/greeter");
    await apply("greeter", { image: `${image}.1`, replicas: 1, env: [{ name: "A", value: "1" }] });
    const { spec } = await until("deployments/greeter", ({ spec }) => spec.replicas === 1);
    expect(spec.template.spec.containers[0].image).toBe(`${image}.1`);
    expect(spec.template.spec.containers[0].env).toContainEqual({ name: "A", value: "1" });
    await gone("poddisruptionbudgets/greeter");
    await gone("networkpolicies/greeter");
    await plane!.kubectl(["scale", "microservice/greeter", "--replicas=3", "-n", namespace]);
    await until("deployments/greeter", ({ spec }) => spec.replicas === 3);
    await until("poddisruptionbudgets/greeter");
  });

  test("makes a worker, a CronJob and a service of one another", async () => {
    const { operator, apply, until, gone, condition } = await stage();
    await using _operator = await operator();
    await apply("greeter", { image });
    const { metadata } = await until("deployments/greeter");
    // the selector tells them apart, which cannot change
    await apply("greeter", { image, worker: true });
    await until("deployments/greeter", (now) => now.metadata.uid !== metadata.uid);
    await gone("services/greeter");
    await apply("greeter", { image, schedule: "@daily", args: ["--", "--since=yesterday"] });
    const { spec } = await until("cronjobs/greeter");
    expect(spec.jobTemplate.spec.template.spec.containers[0].args).toEqual(["--", "--since=yesterday"]);
    await gone("deployments/greeter");
    expect(await condition("greeter", "Ready", ({ reason }) => reason === "Scheduled")).toMatchObject({
      status: "True",
      message: "it runs at @daily",
    });
  });

  test("repairs what others change or remove, and leaves alone what is theirs", async () => {
    const { operator, apply, get, until, patch, remove, rollOut, condition, events } = await stage();
    await using _operator = await operator();
    await apply("greeter", { image });
    await rollOut("greeter");
    await condition("greeter", "Ready", ({ status }) => status === "True");
    await patch("deployments/greeter", {
      metadata: { annotations: { theirs: "yes" } },
      spec: { replicas: 7 },
    });
    await until("deployments/greeter", ({ spec }) => spec.replicas === 2);
    expect((await get("deployments/greeter")).metadata.annotations.theirs).toBe("yes");
    const { metadata } = await get("services/greeter");
    await remove("services/greeter");
    await until("services/greeter", (now) => now.metadata.uid !== metadata.uid);
    await patch("services/greeter", {
      metadata: { labels: { "microrun.dev/microservice": null }, ownerReferences: null },
    });
    await until("services/greeter", (now) => now.metadata.ownerReferences?.length === 1);
    expect((await events("greeter", "Repaired", 3)).toSorted()).toEqual([
      "repaired deployment/greeter",
      "repaired service/greeter",
      "repaired service/greeter",
    ]);
    // nothing goes on changing
    const { resourceVersion } = (await get("deployments/greeter")).metadata;
    await Bun.sleep(500);
    expect((await get("deployments/greeter")).metadata.resourceVersion).toBe(resourceVersion);
  });

  test("leaves what it made to the cluster's garbage collector, and waits for that before it makes it anew", async () => {
    const { operator, apply, get, gone, until, remove, condition } = await stage();
    await using _operator = await operator();
    await apply("greeter", { image });
    await until("poddisruptionbudgets/greeter");
    await remove("microservices/greeter");
    await gone("microservices/greeter");
    // as the garbage collector does
    await remove("services/greeter");
    await apply("greeter", { image });
    expect((await condition("greeter", "Degraded", ({ status }) => status === "True")).message).toBe(
      "serviceaccount/greeter: left of one before of that name; wait until the cluster has removed it",
    );
    expect(await get("services/greeter").catch((error) => / 404 /.test(String(error)))).toBe(true);
    for (const path of ["serviceaccounts", "deployments", "poddisruptionbudgets"])
      await remove(`${path}/greeter`);
    const { uid } = (await get("microservices/greeter")).metadata;
    await until("poddisruptionbudgets/greeter", ({ metadata }) => metadata.ownerReferences[0].uid === uid);
    await condition("greeter", "Degraded", ({ status }) => status === "False");
  });

  test("takes over what others have made only when told to", async () => {
    const { namespace, operator, apply, get, until, condition } = await stage();
    const ports = [{ name: "theirs", port: 80 }];
    await plane!.request("POST", `/api/v1/namespaces/${namespace}/services`, {
      metadata: { name: "greeter" },
      spec: { ports },
    });
    await using _operator = await operator();
    await apply("greeter", { image });
    expect((await condition("greeter", "Degraded", ({ status }) => status === "True")).message).toMatch(
      /^service\/greeter: somebody else made it; .*kubectl annotate microservice greeter microrun.dev\/adopt=true$/,
    );
    expect((await get("services/greeter")).spec.ports).toHaveLength(1);
    await apply("greeter", { image }, { "microrun.dev/adopt": "true" });
    await until("services/greeter", ({ metadata }) => metadata.ownerReferences?.length === 1);
    await until("deployments/greeter");
  });

  test("tells what cannot be, keeps what runs, and goes on when it is mended", async () => {
    const { operator, apply, get, until, rollOut, condition, events } = await stage();
    await using _operator = await operator();
    await apply("greeter", { image });
    await rollOut("greeter");
    await condition("greeter", "Ready", ({ status }) => status === "True");
    await apply("greeter", { image, args: ["--drain_timout=5s"] });
    expect(await condition("greeter", "Degraded", ({ status }) => status === "True")).toMatchObject({
      reason: "Invalid",
      message:
        "spec.args: unknown flag --drain_timout, did you mean drain_timeout?; use flags of microrun run",
      observedGeneration: 2,
    });
    expect((await get("microservices/greeter")).status.readyReplicas).toBe(2);
    expect(await events("greeter", "Invalid")).toHaveLength(1);
    await apply("greeter", { image, args: ["--drain_timeout=5s"] });
    await until("deployments/greeter", ({ spec }) =>
      spec.template.spec.containers[0].args?.includes("--drain_timeout=5s"),
    );
    await condition("greeter", "Degraded", ({ status }) => status === "False");
    const progress = {
      type: "Progressing",
      status: "False",
      reason: "ProgressDeadlineExceeded",
      message: "slow",
    };
    const { metadata } = await get("deployments/greeter");
    const path = `/apis/apps/v1/namespaces/${metadata.namespace}/deployments/greeter/status`;
    const status = { observedGeneration: metadata.generation, conditions: [progress] };
    await plane!.request("PATCH", path, { status }, merge);
    expect(await condition("greeter", "Degraded", ({ status }) => status === "True")).toMatchObject({
      reason: "RolloutFailed",
      message: "slow",
    });
  });

  test("grants services what they need of their namespace, and nothing beyond", async () => {
    const { operator, apply, until, condition } = await stage();
    await using _operator = await operator();
    await apply("wide", { image, registry: "kubernetes", args: ["--kubernetes_namespace=*"] });
    expect((await condition("wide", "Degraded", ({ status }) => status === "True")).message).toMatch(
      /^what it asks of the cluster is beyond namespace test-\S+; have its administrator grant it/,
    );
    await apply("secret", { image, config: { secrets: ["db"] } });
    const refused = await condition("secret", "Degraded", ({ status }) => status === "True");
    expect(refused.reason).toBe("ApplyFailed");
    expect(refused.message).toContain("attempting to grant RBAC permissions not currently held");
    await apply("found", {
      image,
      registry: "kubernetes",
      config: { configMaps: ["shop"], data: { a: "1" } },
    });
    const { rules } = await until("roles/microrun-found");
    expect(rules).toContainEqual({ apiGroups: [""], resources: ["pods"], verbs: ["list", "watch", "patch"] });
    expect(rules).toContainEqual({
      ...{ apiGroups: [""], resources: ["configmaps"], verbs: ["list", "watch"] },
      resourceNames: ["shop", "found-config"],
    });
    expect((await until("configmaps/found-config")).data).toEqual({ a: "1" });
    const { spec } = await until("deployments/found");
    expect(spec.template.spec.containers[0].args).toContain("--config=configmap:found-config");
    const open = await stage("--grant_secrets");
    await using _second = await open.operator();
    await open.apply("secret", { image, config: { secrets: ["db"] } });
    await open.until("deployments/secret");
  });

  test("runs a module that is a text, and rolls out another one", async () => {
    const { namespace, operator, apply, until, patch, condition } = await stage();
    await using _operator = await operator();
    const source = "export default { Greeter: { Hello: () => ({ greeting: 'hi' }) } };\n";
    await apply("written", { module: { source } });
    expect((await until("configmaps/written-module")).data).toEqual({ "written.ts": source });
    const { spec } = await until("deployments/written");
    const [container] = spec.template.spec.containers;
    expect([container.image, container.args[0]]).toEqual([
      "registry.example/microrun:1",
      "/module/written.ts",
    ]);
    expect(container.volumeMounts[0]).toMatchObject({ mountPath: "/module", readOnly: true });

    await apply("greeter", { module: { configMap: "code", key: "greeter.ts" } });
    expect((await condition("greeter", "Degraded", ({ status }) => status === "True")).message).toBe(
      `configmap/code: there is none; create it: kubectl -n ${namespace} create configmap code --from-file=greeter.ts`,
    );
    await plane!.request("POST", `/api/v1/namespaces/${namespace}/configmaps`, {
      metadata: { name: "code" },
      data: { "greeter.ts": source },
    });
    const print = ({ spec }: Any) => spec.template.metadata.annotations["microrun.dev/module"];
    const first = print(await until("deployments/greeter"));
    await patch("configmaps/code", { data: { "greeter.ts": `${source}// more\n` } });
    await until("deployments/greeter", (now) => print(now) !== first);
  });

  test("leads alone: another one takes over when it is killed, at once when it is stopped", async () => {
    const { operator, apply, get, until } = await stage();
    await using first = await operator();
    await first.logged(/leading: holds lease/);
    await using second = await operator();
    await second.logged(/standing by: \S+ holds lease/);
    await apply("one", { image });
    await until("deployments/one");
    expect(second.log()).not.toContain("made");
    first.signal("SIGKILL");
    await apply("two", { image });
    const killed = performance.now();
    await until("deployments/two");
    expect(performance.now() - killed).toBeGreaterThan(1000);
    await second.logged(/leading: holds lease/);
    await using third = await operator();
    await third.logged(/standing by/);
    second.signal("SIGTERM");
    expect(await second.exited).toBe(0);
    const stopped = performance.now();
    await third.logged(/leading: holds lease/);
    expect(performance.now() - stopped).toBeLessThan(2000);
    expect((await get("leases/microrun-operator")).spec.leaseTransitions).toBe(2);
  });

  test("looks after all namespaces from a Pod, by its service account", async () => {
    const home = await plane!.namespace();
    const { stdout } = await microrun(target, ["operator", "manifest", "--image=microrun:1", `-n=${home}`]);
    await plane!.kubectl(["apply", "-f", "-"], stdout);
    const { apply, until } = await stage();
    await apply("greeter", { image, registry: "kubernetes" });
    const account = await plane!.serviceAccount(home, "microrun-operator");
    const pod = { name: target.name, command: [...plane!.asPod(account), ...target.command] };
    const args = ["operator", "--health_address=127.0.0.1:0"];
    await using running = await serve(pod, args, { ownAddress: false, until: /in all namespaces/ });
    await until("deployments/greeter");
    await until("rolebindings/microrun-greeter");
    await running.logged(new RegExp(`leading: holds lease ${home}/microrun-operator`));
    // its own Pods are as harmless as those of services
    const template = JSON.parse(await plane!.kubectl(["get", "deploy", "-n", home, "-o", "json"])).items[0];
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    await plane!.request("PATCH", `/api/v1/namespaces/${home}`, { metadata: { labels } }, merge);
    const { metadata, spec } = template.spec.template;
    const path = `/api/v1/namespaces/${home}/pods?dryRun=All&fieldValidation=Strict`;
    await plane!.request("POST", path, { metadata: { ...metadata, name: "try" }, spec });
  });

  test("answers probes: ready while it stands by, not while it may not see what it looks after", async () => {
    const { namespace, operator } = await stage();
    await using running = await operator();
    const ask = (path: string) =>
      fetch(`http://${running.address("health")}${path}`).then(({ status }) => status);
    expect([await ask("/livez"), await ask("/readyz"), await ask("/other")]).toEqual([200, 200, 404]);
    const group = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`;
    await plane!.request("DELETE", `${group}/microrun-operator`);
    await using denied = await operator("--lease=microrun-operator", "--lease_duration=1s");
    running.signal("SIGTERM");
    await denied.logged(/may not list/);
    const readiness = await fetch(`http://${denied.address("health")}/readyz`);
    expect(readiness.status).toBe(503);
  });
});

describe.skipIf(!plane)("the schema of MicroServices", async () => {
  const { apply, get } = plane ? await operatorStage(plane, targets[0]!) : ({} as OperatorStage);
  const refused: Readonly<Record<string, readonly [spec: object, why: RegExp]>> = {
    "neither image nor module": [{}, /give either image or module/],
    "both of them": [{ image, module: { source: "x" } }, /give either image or module/],
    "a module of two places": [
      { module: { source: "x", configMap: "y" } },
      /give either configMap or source/,
    ],
    "replicas and an autoscaler": [
      { image, replicas: 2, autoscale: { min: 1, max: 2 } },
      /replicas: the autoscaler says how many/,
    ],
    "an autoscaler upside down": [{ image, autoscale: { min: 3, max: 2 } }, /min: more than max/],
    "a worker with ports": [
      { image, worker: true, ports: { main: 80 } },
      /ports: has no meaning for a worker/,
    ],
    "a schedule with replicas": [
      { image, schedule: "@daily", replicas: 2 },
      /replicas: has no meaning for a sch/,
    ],
    "an unknown registry": [{ image, registry: "consul" }, /Unsupported value: "consul"/],
    "a port that is none": [{ image, ports: { main: 70_000 } }, /should be less than or equal to 65535/],
    "memory without a unit": [{ image, resources: { memory: "256" } }, /spec.resources.memory.*should match/],
    "a number of it, too": [
      { image, resources: { memory: 256 } },
      /should be greater than or equal to 1000000/,
    ],
    "a fraction that is no text": [{ image, resources: { cpu: 0.5 } }, /cpu in body must be of type integer/],
    "a variable twice": [{ image, env: [{ name: "A" }, { name: "A" }] }, /Duplicate value/],
    "an unknown field": [{ image, replica: 2 }, /unknown field "spec.replica"/],
  };

  test.each(Object.entries(refused))("refuses %s", async (_, [spec, why]) => {
    await expect(apply("greeter", spec)).rejects.toThrow(why);
  });

  test("refuses names that a Service cannot bear, and fills in what is usual", async () => {
    await expect(apply("a.b", { image })).rejects.toThrow(/metadata.name: a Service bears it/);
    await apply("greeter", { image, env: [{ name: "A" }] });
    const { spec } = await get("microservices/greeter");
    expect(spec).toEqual({
      image,
      env: [{ name: "A", value: "" }],
      resources: { cpu: "50m", memory: "256Mi" },
    });
    await apply("greeter", { image, resources: { cpu: 1, memory: 134_217_728 } });
    expect((await get("microservices/greeter")).spec.resources).toEqual({ cpu: 1, memory: 134_217_728 });
    await apply("greeter", { image, resources: { cpu: "0.5", memory: "134217728" } });
  });
});
