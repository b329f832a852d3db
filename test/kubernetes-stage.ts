/** A namespace where a service may do what the README's Role grants, and processes of Pods in it. */
import { join } from "node:path";
import type { PodOptions, TestPod } from "./cluster-objects.ts";
import type { ControlPlane } from "./control-plane.ts";
import { greeter, microrun, type Outcome, type Running, serve, type Target } from "./harness.ts";
import type { AsPodOptions, ServiceAccount } from "./pod-identity.ts";
import { inPod, type Lines, lines } from "./pod-process.ts";

const caller = join(import.meta.dir, "fixtures/kubernetes/caller.ts");

/** What finding by Pods and registering need, without EndpointSlices: what the originals' users have granted. */
export const podVerbs: readonly string[] = ["get", "list", "watch", "patch"];

export interface Stage {
  readonly namespace: string;
  readonly account: ServiceAccount;
  /** Replaces what the account may do with Pods. */
  grant(verbs: readonly string[], resource?: string): Promise<void>;
  pod(options?: PodOptions): Promise<TestPod>;
  /** The greeter of the examples in a Pod, registered; it does not delay its end unless asked to. */
  greeter(target: Target, pod: TestPod, args?: readonly string[], options?: AsPodOptions): Promise<Running>;
  /** Calls Greeter.Hello of the service over and over; a line for each call. */
  caller(
    target: Target,
    pod: TestPod,
    service?: string,
    args?: readonly string[],
    options?: AsPodOptions,
  ): Lines;
  /** A command of ours in a Pod, to its end. */
  command(target: Target, pod: TestPod, args: readonly string[]): Promise<Outcome>;
  /** Any program in a Pod. */
  program(command: readonly string[], pod: TestPod, options?: AsPodOptions): Lines;
}

/** @param namespace @default a fresh one */
export async function openStage(
  cluster: ControlPlane,
  { namespace, account }: { namespace?: string; account?: string } = {},
): Promise<Stage> {
  const home = namespace ?? (await cluster.namespace());
  const own = await cluster.serviceAccount(home, account);
  const place = (pod: TestPod) => ({ cluster, account: own, pod });
  const stage: Stage = {
    namespace: home,
    account: own,
    async grant(verbs, resource = "pods") {
      const apiGroups = resource === "endpointslices" ? ["discovery.k8s.io"] : [""];
      const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: resource };
      const subject = { kind: "ServiceAccount", name: own.name, namespace: home };
      const objects = [
        {
          kind: "Role",
          metadata: { name: resource },
          rules: verbs.length === 0 ? [] : [{ apiGroups, resources: [resource], verbs }],
        },
        { kind: "RoleBinding", metadata: { name: resource }, roleRef, subjects: [subject] },
      ];
      for (const object of objects) {
        await cluster.apply(JSON.stringify({ apiVersion: "rbac.authorization.k8s.io/v1", ...object }), home);
      }
    },
    pod: (options) => cluster.pod(home, options),
    greeter(target, pod, args = [], options) {
      const delay = args.some((arg) => arg.startsWith("--drain_delay")) ? [] : ["--drain_delay=0s"];
      const found = ["--registry=kubernetes", "--selector=p2c"];
      return serve(inPod(target, place(pod), options), [greeter, ...found, ...delay, ...args]);
    },
    caller: (target, pod, service = "greeter", args = [], options) =>
      lines([
        ...inPod(target, place(pod), options).command,
        ...[caller, "--registry=kubernetes", "--selector=p2c", ...args, "--", service],
      ]),
    command: (target, pod, args) => microrun(inPod(target, place(pod)), args),
    program: (command, pod, options) =>
      lines(inPod({ name: "program", command }, place(pod), options).command),
  };
  if (namespace === undefined) await stage.grant(podVerbs);
  return stage;
}
