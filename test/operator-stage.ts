/** A namespace with an operator's permissions in it, operators that run by them, and the controllers played by the test. */
import type { ControlPlane } from "./control-plane.ts";
import { microrun, type Running, serve, type Target } from "./harness.ts";

// biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
export type Any = any;

const merge = "application/merge-patch+json";
const image = "registry.example/microrun:1";

export interface OperatorStage {
  readonly namespace: string;
  /** Started, and leading unless another one does. */
  operator(...args: string[]): Promise<Running>;
  /** `kubectl apply` of a MicroService. */
  apply(name: string, spec: object, annotations?: Readonly<Record<string, string>>): Promise<void>;
  /** Of a kind's plural: `deployments/greeter`. */
  get(path: string): Promise<Any>;
  /** What is there, once it is as wanted. */
  until(path: string, wanted?: (object: Any) => boolean): Promise<Any>;
  gone(path: string): Promise<void>;
  patch(path: string, body: object): Promise<Any>;
  remove(path: string): Promise<void>;
  /** As the Deployment's controller tells that all of it is there. */
  rollOut(name: string): Promise<void>;
  condition(name: string, type: string, wanted: (condition: Any) => boolean): Promise<Any>;
  /** Notes of events about it, by reason: as soon as there are so many, which may be after the status says it. @default least 1 */
  events(name: string, reason: string, least?: number): Promise<string[]>;
}

const groups: Readonly<Record<string, string>> = {
  microservices: "/apis/microrun.dev/v1alpha1",
  deployments: "/apis/apps/v1",
  cronjobs: "/apis/batch/v1",
  poddisruptionbudgets: "/apis/policy/v1",
  horizontalpodautoscalers: "/apis/autoscaling/v2",
  networkpolicies: "/apis/networking.k8s.io/v1",
  roles: "/apis/rbac.authorization.k8s.io/v1",
  rolebindings: "/apis/rbac.authorization.k8s.io/v1",
  leases: "/apis/coordination.k8s.io/v1",
};

export async function operatorStage(
  plane: ControlPlane,
  target: Target,
  ...installed: string[]
): Promise<OperatorStage> {
  const namespace = await plane.namespace();
  const { code, stdout, stderr } = await microrun(target, [
    ...["operator", "manifest", `--image=${image}`, "-n", namespace, `--watch_namespace=${namespace}`],
    ...installed,
  ]);
  if (code !== 0) throw new Error(stderr);
  await plane.kubectl(["apply", "-f", "-"], stdout);
  await plane.kubectl(["wait", "--for=condition=Established", "crd/microservices.microrun.dev"]);
  // nothing more may be asked than what the manifest grants
  const user = { name: `system:serviceaccount:${namespace}:microrun-operator` };
  const kubeconfig = plane.kubeconfig({ user, namespace });
  const placeOf = (path: string): string => {
    const [plural = ""] = path.split("/");
    return `${groups[plural] ?? "/api/v1"}/namespaces/${namespace}/${path}`;
  };
  const get = (path: string): Promise<Any> => plane.request("GET", placeOf(path));
  const until = async (path: string, wanted: (object: Any) => boolean = () => true): Promise<Any> => {
    for (const end = Date.now() + 20_000; ; await Bun.sleep(20)) {
      const object = await get(path).catch(() => undefined);
      if (object !== undefined && wanted(object)) return object;
      if (Date.now() > end) throw new Error(`${path} is not as wanted: ${JSON.stringify(object, null, 1)}`);
    }
  };
  const patch = (path: string, body: object) => plane.request("PATCH", placeOf(path), body, merge);
  return {
    namespace,
    get,
    until,
    patch,
    operator: (...args) =>
      serve(
        target,
        [
          ...["operator", `--kubeconfig=${kubeconfig}`, `--watch_namespace=${namespace}`],
          ...[`--runtime_image=${image}`, "--health_address=127.0.0.1:0", "--lease_duration=3s", ...args],
        ],
        { ownAddress: false, until: /microrun-operator is ready/ },
      ),
    async apply(name, spec, annotations = {}) {
      const object = { apiVersion: "microrun.dev/v1alpha1", kind: "MicroService", spec };
      await plane.apply(JSON.stringify({ ...object, metadata: { name, annotations } }), namespace);
    },
    async gone(path) {
      for (const end = Date.now() + 20_000; ; await Bun.sleep(20)) {
        if (await get(path).catch((error) => / 404 /.test(String(error)))) {
          if ((await get(path).catch(() => undefined)) === undefined) return;
        }
        if (Date.now() > end) throw new Error(`${path} is still there`);
      }
    },
    remove: (path) => plane.request("DELETE", placeOf(path), { propagationPolicy: "Background" }),
    async rollOut(name) {
      const { metadata, spec } = await until(`deployments/${name}`);
      const { generation: observedGeneration } = metadata;
      const { replicas = 1 } = spec;
      const counts = {
        replicas,
        updatedReplicas: replicas,
        readyReplicas: replicas,
        availableReplicas: replicas,
      };
      await patch(`deployments/${name}/status`, { status: { observedGeneration, ...counts } });
    },
    async condition(name, type, wanted) {
      const found = ({ status }: Any) => status?.conditions?.find((one: Any) => one.type === type);
      return found(await until(`microservices/${name}`, (object) => found(object) && wanted(found(object))));
    },
    async events(name, reason, least = 1) {
      const path = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
      for (const end = Date.now() + 5000; ; await Bun.sleep(50)) {
        const { items } = await plane.request("GET", path);
        const about = items.filter((one: Any) => one.regarding.name === name && one.reason === reason);
        if (about.length >= least || Date.now() > end) return about.map(({ note }: Any) => note);
      }
    },
  };
}
