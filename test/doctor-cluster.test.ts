/** `microrun doctor` against a real API server: what it says is missing, and that applying just that mends it. */
import { describe, expect, test } from "bun:test";
import { controlPlane } from "./control-plane.ts";
import { greeter, microrun, type Target, targets } from "./harness.ts";
import { openStage, type Stage } from "./kubernetes-stage.ts";

const plane = await controlPlane();

interface Finding {
  readonly check: string;
  readonly status: "ok" | "warn" | "fail";
  readonly what: string;
  readonly todo?: string;
  readonly yaml?: string;
}

const flags = ["--registry=kubernetes", "--selector=p2c", "--server_address=:0", "--output=json"];

describe.skipIf(!plane).each([...targets])("from $name,", (target: Target) => {
  const cluster = plane!;
  const examined = async (stage: Stage, pod: Awaited<ReturnType<Stage["pod"]>>, ...more: string[]) => {
    const { code, stdout, stderr } = await stage.command(target, pod, ["doctor", greeter, ...flags, ...more]);
    expect(stderr).toBe("");
    const findings = JSON.parse(stdout) as Finding[];
    return { code, findings, of: (check: string) => findings.filter((finding) => finding.check === check) };
  };

  test("what the doctor says of missing permissions mends them, and takes nothing away", async () => {
    const stage = await openStage(cluster);
    await stage.grant(["list"]);
    const pod = await stage.pod();
    const before = await examined(stage, pod);
    const missing = before.of("permission").filter(({ status }) => status === "fail");
    expect(missing.map(({ what }) => what)).toEqual([
      `may not watch, patch pods in ${stage.namespace}`,
      `may not list, watch endpointslices.discovery.k8s.io in ${stage.namespace}`,
    ]);
    for (const { yaml = "" } of missing) await cluster.apply(yaml);
    const after = await examined(stage, pod);
    expect(after.of("permission").map(({ status }) => status)).toEqual(["ok", "ok"]);
    expect(after.of("api server")).toMatchObject([{ status: "ok", what: expect.stringMatching(/v1\.\d+/) }]);
    expect(after.of("clock")).toMatchObject([{ status: "ok" }]);
    expect(after.of("identity")[0]?.what).toContain(`system:serviceaccount:${stage.namespace}:default`);
  });

  test("a ConfigMap of another namespace, and all namespaces, are granted where they are", async () => {
    const [stage, far] = [await openStage(cluster), await openStage(cluster)];
    await stage.grant([]);
    const pod = await stage.pod();
    const more = [`--config=configmap://${far.namespace}/shop`, "--kubernetes_namespace=*"];
    const { of } = await examined(stage, pod, ...more);
    const missing = of("permission").filter(({ status }) => status === "fail");
    expect(missing.map(({ what }) => what)).toContain(
      `may not list, watch configmaps/shop in ${far.namespace}`,
    );
    expect(missing.map(({ what }) => what)).toContain("may not list, watch pods in all namespaces");
    for (const { yaml = "" } of missing) await cluster.apply(yaml);
    expect(
      (await examined(stage, pod, ...more)).of("permission").every(({ status }) => status === "ok"),
    ).toBe(true);
  });

  test("the Pod is looked at where that is allowed, else the doctor says what would allow it", async () => {
    const stage = await openStage(cluster);
    await stage.grant([]);
    const pod = await stage.pod({ ports: [{ port: 9000 }] });
    const args = ["--registry_format=kratos", "--server_address=:9001"];
    const unseen = (await examined(stage, pod, ...args)).of("pod");
    expect(unseen).toMatchObject([{ status: "warn", what: "not looked at: its own Pod" }]);
    await cluster.apply(unseen[0]?.yaml ?? "");
    const seen = (await examined(stage, pod, ...args)).of("pod");
    expect(seen).toContainEqual(
      expect.objectContaining({
        status: "fail",
        what: expect.stringContaining("lack 9001"),
        yaml: expect.stringContaining("9001"),
      }),
    );
    const services = seen.find(({ what }) => what.includes("Service"));
    await cluster.apply(services?.yaml ?? "");
    const { of } = await examined(stage, pod, ...args);
    expect(of("pod").some(({ what }) => what.startsWith("not looked at"))).toBe(false);
  });

  test("a token that has expired, and a Pod of another name, fail", async () => {
    const stage = await openStage(cluster);
    const pod = await stage.pod();
    const other = { ...pod, name: "somebody-else" };
    const { code, of } = await examined(stage, other);
    expect([code, of("pod")]).toMatchObject([
      1,
      [{ status: "fail", yaml: expect.stringContaining("POD_NAME") }],
    ]);
    await stage.account.rotate({ seconds: -600 });
    const expired = await examined(stage, pod);
    expect(expired.of("api server")).toMatchObject([{ status: "fail" }]);
    expect(expired.of("permission")).toEqual([]);
  });

  test("a person asks for a service account before it runs there", async () => {
    const stage = await openStage(cluster);
    await stage.grant(["list", "watch"]);
    const kubeconfig = cluster.kubeconfig({ namespace: stage.namespace });
    const ask = async () => {
      const args = ["doctor", ...flags, `--kubeconfig=${kubeconfig}`, "--service_account=default"];
      const { stdout } = await microrun(target, args);
      return (JSON.parse(stdout) as Finding[]).filter(({ check }) => check === "permission");
    };
    const before = await ask();
    expect(before.map(({ status }) => status)).toEqual(["fail", "fail"]);
    for (const { yaml = "" } of before) await cluster.apply(yaml);
    expect((await ask()).map(({ status }) => status)).toEqual(["ok", "ok"]);
  });

  test("a Service without the port that is called is the reason why a call fails", async () => {
    const stage = await openStage(cluster);
    const spec = { selector: { app: "user" }, ports: [{ port: 80 }] };
    await cluster.apply(
      JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name: "user" }, spec }),
      stage.namespace,
    );
    const kubeconfig = cluster.kubeconfig({ namespace: stage.namespace });
    const args = [
      "--registry=kubernetes",
      "--selector=static",
      `--kubeconfig=${kubeconfig}`,
      "--calls=user,mail",
    ];
    const { code, stdout } = await microrun(target, [
      "doctor",
      "--server_address=:0",
      "--output=json",
      ...args,
    ]);
    expect(code).toBe(1);
    expect((JSON.parse(stdout) as Finding[]).filter(({ check }) => check === "calls")).toMatchObject([
      { status: "fail", what: "user at user:8080: Service user has no port 8080, only 80" },
      { status: "fail", what: `mail at mail:8080: namespace ${stage.namespace} has no Service mail` },
    ]);
  });
});
