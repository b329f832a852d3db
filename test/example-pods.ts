/** Examples in Pods of their manifests, by a real API server: the module, with the container's arguments, as the manifest's account. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { parse } from "yaml";
import { patience } from "../scripts/examples.ts";
import type { TestPod } from "./cluster-objects.ts";
import type { ControlPlane } from "./control-plane.ts";
import { type Running, serve, type Target } from "./harness.ts";
import { openStage } from "./kubernetes-stage.ts";
import { inPod } from "./pod-process.ts";

const examples = join(import.meta.dir, "../examples");

export interface ExamplePod {
  readonly running: Running;
  readonly pod: TestPod;
  /** Of 127.0.0.0/8 and nobody else's: the ports are those of the manifest. */
  readonly ip: string;
}

export interface ExamplePods extends AsyncDisposable {
  /**
   * @param manifest of a Deployment or Pod: `web/k8s/deployment.yaml`
   * @param module `web/web.ts`
   * @param options.args what follows the container's own; `IP` stands for its address
   */
  start(manifest: string, module: string, options?: StartOptions): Promise<ExamplePod>;
}

interface StartOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** @default it is ready */
  readonly until?: RegExp;
}

/** Its manifests are applied, the namespace first. */
export async function examplePods(
  cluster: ControlPlane,
  target: Target,
  example: string,
  account: string,
): Promise<ExamplePods> {
  const texts = [...new Glob(`${example}/k8s/*.yaml`).scanSync(examples)].map((file) =>
    readFileSync(join(examples, file), "utf8"),
  );
  const isNamespace = (text: string): boolean => text.includes("kind: Namespace");
  // a Pod is made when it is started, under a name of its own
  const lasting = texts.filter((text) => !/^kind: Pod$/m.test(text));
  for (const text of [...lasting.filter(isNamespace), ...lasting]) await cluster.apply(text);
  const stage = await openStage(cluster, { namespace: "go-micro", account });
  const stack = new AsyncDisposableStack();
  return {
    async start(manifest, module, { args = [], env = {}, until } = {}) {
      const object = parse(readFileSync(join(examples, manifest), "utf8"));
      const template = object.kind === "Pod" ? object : object.spec.template;
      const ip = `127.${[0, 0, 0].map(() => 1 + Math.floor(Math.random() * 254)).join(".")}`;
      const pod = await stage.pod({ template, ip });
      stack.defer(() => pod.delete());
      const [container] = template.spec.containers;
      const own = [...container.args, ...args].map((arg: string) =>
        arg.replace("IP", ip).replace(/^--server_address=:/, `--server_address=${ip}:`),
      );
      const place = { cluster, account: stage.account, pod };
      const inside = inPod(target, place, { env: { ...patience, ...env } });
      const running = await serve(inside, [join(examples, module), ...own, "--drain_delay=0s"], {
        ownAddress: false,
        ...(until === undefined ? {} : { until }),
      });
      stack.use(running);
      return { running, pod, ip };
    },
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}
