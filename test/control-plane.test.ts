/** The tests' own control plane does what a cluster does, where tests rely on it. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { controlPlane, ownControlPlane } from "./control-plane.ts";

const plane = await controlPlane();

describe.skipIf(!plane)("the tests' control plane", () => {
  const cluster = plane!;

  test("is the same for all tests of a process", async () => {
    expect(await controlPlane()).toBe(cluster);
  });

  test("is administered by kubectl of the same version", async () => {
    const { clientVersion, serverVersion } = JSON.parse(await cluster.kubectl(["version", "--output=json"]));
    expect(clientVersion.gitVersion).toStartWith("v1.");
    expect(serverVersion.gitVersion).toBe(clientVersion.gitVersion);
  });

  test("makes a Pod that is Running and Ready, and changes it as kubelet does", async () => {
    const namespace = await cluster.namespace();
    const pod = await cluster.pod(namespace, {
      ip: "10.1.2.3",
      labels: { app: "greeter" },
      ports: [{ port: 8080, name: "grpc-web" }],
    });
    const running = await pod.get();
    expect(running.status).toMatchObject({ phase: "Running", podIP: "10.1.2.3" });
    expect(running.status.conditions).toContainEqual(
      expect.objectContaining({ type: "Ready", status: "True" }),
    );
    expect(running.spec.containers[0].ports[0]).toMatchObject({ containerPort: 8080, name: "grpc-web" });
    await pod.setReady(false);
    expect((await pod.get()).status.conditions).toContainEqual(
      expect.objectContaining({ type: "Ready", status: "False" }),
    );
    await pod.patch({ labels: { app: null, other: "x" } });
    expect((await pod.get()).metadata.labels).toEqual({ other: "x" });
    await pod.terminate();
    expect((await pod.get()).metadata.deletionTimestamp).toBeString();
    await pod.delete();
    await expect(pod.get()).rejects.toThrow(/ 404 /);
  });

  test("ends a Pod as Succeeded or Failed, with a reason", async () => {
    const pod = await cluster.pod(await cluster.namespace());
    await pod.setPhase("Failed", "Evicted");
    expect((await pod.get()).status).toMatchObject({ phase: "Failed", reason: "Evicted" });
  });

  test("makes an EndpointSlice and replaces it", async () => {
    const namespace = await cluster.namespace();
    for (const zone of ["a", "b"]) {
      await cluster.endpointSlice(namespace, "greeter", {
        ports: [{ port: 8080, name: "grpc" }],
        endpoints: [{ addresses: ["10.0.0.7"], zone, forZones: [zone], ready: false, serving: true }],
      });
    }
    const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
    const { items } = await cluster.request("GET", path);
    expect(items).toHaveLength(1);
    expect(items[0].metadata.labels).toEqual({ "kubernetes.io/service-name": "greeter" });
    expect(items[0].endpoints[0]).toMatchObject({
      zone: "b",
      hints: { forZones: [{ name: "b" }] },
      conditions: { ready: false, serving: true, terminating: false },
    });
  });

  test("refuses what RBAC does not grant, and grants it by a Role", async () => {
    const namespace = await cluster.namespace();
    const account = await cluster.serviceAccount(namespace, "reader");
    const here = [`--namespace=${namespace}`];
    const own = cluster.kubeconfig({ token: account.token(), namespace });
    const list = (): Promise<string> =>
      cluster.kubectl([...here, `--kubeconfig=${own}`, "get", "pods", "--output=name"]);
    await expect(list()).rejects.toThrow(/pods is forbidden/);
    await cluster.kubectl([
      "create",
      "role",
      "reader",
      "--verb=list",
      "--resource=pods",
      `--namespace=${namespace}`,
    ]);
    await cluster.kubectl([
      ...["create", "rolebinding", "reader", "--role=reader", `--namespace=${namespace}`],
      `--serviceaccount=${namespace}:reader`,
    ]);
    expect(await list()).toBe("");
  });

  test("knows a kubeconfig's user by its certificate, and refuses one that has expired", async () => {
    const whoami = (path: string): Promise<string> =>
      cluster.kubectl([`--kubeconfig=${path}`, "auth", "whoami", "--output=json"]);
    const alice = cluster.kubeconfig({ user: { name: "alice", organization: "team-a" } });
    const { userInfo } = JSON.parse(await whoami(alice)).status;
    expect(userInfo).toMatchObject({ username: "alice", groups: ["team-a", "system:authenticated"] });
    const expired = cluster.kubeconfig({ user: { name: "alice", days: -1 } });
    await expect(whoami(expired)).rejects.toThrow();
  });

  test("gives out tokens in a folder as kubelet does, and takes them until they expire", async () => {
    const namespace = await cluster.namespace();
    const account = await cluster.serviceAccount(namespace);
    const review = async (token: string): Promise<boolean> => {
      const { status } = await cluster.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
        spec: { token },
      });
      return status.authenticated === true;
    };
    const first = account.token();
    expect(await review(first)).toBe(true);
    await account.rotate();
    expect(account.token()).not.toBe(first);
    expect(await review(account.token())).toBe(true);
    await account.rotate({ seconds: 60 });
    expect(await review(account.token())).toBe(true);
    await account.rotate({ seconds: -60 });
    expect(await review(account.token())).toBe(false);
  });

  test("lets a command see the service account where a Pod does, and nobody else", async () => {
    const namespace = await cluster.namespace();
    const account = await cluster.serviceAccount(namespace);
    const place = "/var/run/secrets/kubernetes.io/serviceaccount";
    const show = `cat ${place}/namespace; echo " $HOSTNAME $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT $$"`;
    const child = Bun.spawn(
      [...cluster.asPod(account, { env: { HOSTNAME: "greeter-0" } }), "sh", "-c", show],
      { stdout: "pipe", stderr: "inherit" },
    );
    const said = await new Response(child.stdout).text();
    expect(said).toBe(`${namespace} greeter-0 127.0.0.1:${cluster.port} ${child.pid}\n`);
    expect(existsSync(place)).toBe(false);
  });
});

describe.skipIf(!plane)("a control plane of a test's own", () => {
  const owned = plane ? ownControlPlane() : undefined;
  afterAll(async () => (await owned)?.[Symbol.asyncDispose]());

  test("keeps its data and its port over a kill of the API server, but not what etcd was made to forget", async () => {
    const cluster = (await owned)!;
    const namespace = await cluster.namespace();
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    const before = (await cluster.request("GET", pods)).metadata.resourceVersion;
    const { name } = await cluster.pod(namespace);
    await cluster.compact();
    await cluster.kill("kube-apiserver");
    await expect(cluster.request("GET", "/readyz")).rejects.toThrow();
    await cluster.start();
    expect((await cluster.request("GET", `${pods}/${name}`)).metadata.name).toBe(name);
    const old = `${pods}?resourceVersionMatch=Exact&resourceVersion=${before}`;
    await expect(cluster.request("GET", old)).rejects.toThrow(/ 410 /);
  });

  test("leaves no process and no folder when it is disposed", async () => {
    const cluster = (await owned)!;
    await cluster[Symbol.asyncDispose]();
    expect(existsSync(cluster.folder)).toBe(false);
    await expect(cluster.request("GET", "/readyz")).rejects.toThrow();
  });
});
