/** The examples: each does what its README shows, and their manifests are what the API server takes. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { parse, parseAllDocuments } from "yaml";
import { examples, isFree, needsOf, runExample } from "../scripts/examples.ts";
import { controlPlane } from "./control-plane.ts";
import { examplePods } from "./example-pods.ts";
import { serve, targets } from "./harness.ts";
import { peer } from "./peers.ts";

const folder = join(import.meta.dir, "../examples");
const grpcurl = await peer("grpcurl");
const programs: Record<string, string> = grpcurl === undefined ? {} : { grpcurl };
const has = (program: string): boolean => program in programs || Bun.which(program) !== null;

interface Manifest {
  readonly path: string;
  readonly text: string;
}

const manifests: readonly Manifest[] = [...new Glob("*/k8s/*.yaml").scanSync(folder)]
  .sort()
  .map((path) => ({ path, text: readFileSync(join(folder, path), "utf8") }));

const textOf = (path: string): string => readFileSync(join(folder, path), "utf8");

test("every example is here, with a README that shows how it is run", () => {
  const wanted = ["config", "greeter", "greeter-client", "job", "mixed", "pubsub", "shop", "web"];
  expect(examples).toEqual(wanted);
});

for (const name of examples) {
  const { leaveOut, missing } = await needsOf(name, has);
  describe.skipIf(missing.length > 0)(name, () => {
    // one after the other: they have the ports that the README shows
    test.each([...targets])(
      "does what its README shows, from $name",
      async ({ command }) => {
        await runExample(name, { command, programs, leaveOut });
      },
      400_000,
    );
  });
}

test("every image of a manifest is made in the example's README", () => {
  const missing = manifests.flatMap(({ path, text }) => {
    const readme = textOf(join(path, "../../README.md")).replaceAll(
      /^for srv in (.*?); (.*)$/gm,
      (_, all, rest) =>
        `${all}`
          .split(" ")
          .map((srv) => `${rest}`.replaceAll("$srv", srv))
          .join("\n"),
    );
    const images = [...text.matchAll(/image: (\S+)/g)].map(([, image = ""]) => image);
    return images.filter((image) => !readme.includes(`-t ${image} `)).map((image) => `${path}: ${image}`);
  });
  expect(missing).toEqual([]);
});

test("what several examples have in common is the same in each", () => {
  const texts = Map.groupBy(
    manifests.filter(
      ({ path }) => /\/(namespace|pod-rbac|configmap-rbac)\.yaml$/.test(path) && !path.startsWith("shop/"),
    ),
    ({ path }) => path.split("/").at(-1),
  );
  for (const [file, all] of texts) expect(new Set(all.map(({ text }) => text)).size, file).toBe(1);
  expect(texts.size).toBe(3);
});

test("the shop of one machine is configured as that of a cluster", () => {
  const { data } = parse(textOf("shop/k8s/admin-srv-configmap.yaml"));
  expect(data["config.yaml"]).toBe(textOf("shop/admin-srv.yaml"));
});

test.each([...targets])("of the instances of mail one writes for each order, from $name", async (target) => {
  await isFree(8080);
  await using dev = await serve(target, ["dev", join(folder, "pubsub")], {
    ownAddress: false,
    until: /\| .*ready: mail#1, mail#2, orders/,
  });
  for (const item of ["tea", "milk"]) {
    const response = await fetch("http://127.0.0.1:8080/orders/create", {
      method: "POST",
      // the next test has the same port
      headers: { "content-type": "application/json", connection: "close" },
      body: JSON.stringify({ item }),
    });
    expect(response.status).toBe(200);
  }
  await dev.logged(/mail: order 1, tea/);
  await dev.logged(/mail: order 2, milk/);
  expect(dev.stdout().match(/^mail#[12] +\| mail: order \d/gm)).toHaveLength(2);
  dev.signal("SIGTERM");
  expect(await dev.exited).toBe(0);
});

const plane = await controlPlane();
const account = "micro-services";

describe.skipIf(!plane).each([...targets])("in Pods of its manifests, from $name,", (target) => {
  test("greeter-client finds and calls the greeter", async () => {
    await using pods = await examplePods(plane!, target, "greeter-client", account);
    await pods.start("greeter-client/k8s/srv-deployment.yaml", "greeter/greeter.ts");
    const manifest = "greeter-client/k8s/deployment.yaml";
    const until = /^Server Hello XXX!$/m;
    const { pod, running } = await pods.start(manifest, "greeter-client/greeter-client.ts", { until });
    expect(running.log()).not.toMatch(/may not|cannot register/);
    const { labels } = (await pod.get()).metadata;
    expect(labels).toMatchObject({ "micro.mu/selector-go-micro-client": "service" });
  });

  test("web answers with the name of its Pod", async () => {
    await using pods = await examplePods(plane!, target, "web", account);
    const { ip, pod } = await pods.start("web/k8s/deployment.yaml", "web/web.ts");
    expect(await (await fetch(`http://${ip}:9200/`)).text()).toBe(pod.name);
  });

  test("config prints the ConfigMap over the environment", async () => {
    await using pods = await examplePods(plane!, target, "config", account);
    const until = /level":"info","message":"stopped/;
    const { pod, running } = await pods.start("config/k8s/pod.yaml", "config/config.ts", { until });
    expect(await running.exited).toBe(0);
    const printed = JSON.parse(running.stdout());
    expect(printed).toMatchObject({
      hostname: pod.name,
      kubernetes: { service: { host: expect.anything() } },
      DB_NAME: { MICRO: "" },
      DB_HOST: { "192.168.0.1": "" },
    });
  });

  test("an order of one Pod is a mail of another", async () => {
    await using pods = await examplePods(plane!, target, "pubsub", account);
    const args = ["--server_address=IP:8080"];
    const mail = await pods.start("pubsub/k8s/mail-deployment.yaml", "pubsub/mail.ts", { args });
    const orders = await pods.start("pubsub/k8s/orders-deployment.yaml", "pubsub/orders.ts", { args });
    const body = '{"item":"tea"}';
    const headers = { "content-type": "application/json" };
    await fetch(`http://${orders.ip}:8080/orders/create`, { method: "POST", headers, body });
    await mail.running.logged(/mail: order 1, tea/);
  });
});

test.skipIf(!plane)(
  "the API server takes every manifest, without a field that it does not know",
  async () => {
    const own = manifests.map(({ text }) => text);
    const namespaces = own.filter((text) => text.includes("kind: Namespace"));
    const apply = ["apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-"];
    for (const text of namespaces) await plane!.kubectl(apply, text);
    for (const text of own) {
      const count = parseAllDocuments(text).length;
      // nothing of it stays: other suites apply objects of the same names
      const said = await plane!.kubectl([...apply, "--dry-run=server"], text);
      expect(said.trim().split("\n"), text).toHaveLength(count);
      expect(said).not.toContain("Warning");
    }
  },
);
