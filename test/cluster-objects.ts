/** What controllers, scheduler and kubelet would make in a cluster, made by hand: namespaces, running Pods, EndpointSlices. */
import type { ApiServer } from "./control-plane.ts";

type Text = Readonly<Record<string, string>>;

export interface PodOptions {
  /** @default a unique one */
  readonly name?: string;
  /** @default 127.0.0.1 */
  readonly ip?: string;
  readonly labels?: Text;
  readonly annotations?: Text;
  /** containerPorts */
  readonly ports?: readonly { readonly port: number; readonly name?: string }[];
  /** @default true */
  readonly ready?: boolean;
  /** @default "Running" */
  readonly phase?: "Pending" | "Running" | "Succeeded" | "Failed";
  /** @default "default", or the template's */
  readonly serviceAccount?: string;
  /** `template` of a Deployment, as a ReplicaSet would take it; what else is given here goes over it. */
  // biome-ignore lint/suspicious/noExplicitAny: a Kubernetes object
  readonly template?: any;
  /** On a node, a deleted Pod is Terminating until it is deleted with `now`. @default node1, which need not exist */
  readonly node?: string;
}

export interface TestPod {
  readonly name: string;
  readonly namespace: string;
  /** The object as it is now. */
  // biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
  get(): Promise<any>;
  /** Strategic-merge patch; null removes. */
  patch(metadata: {
    labels?: Readonly<Record<string, string | null>>;
    annotations?: Readonly<Record<string, string | null>>;
  }): Promise<void>;
  setReady(ready: boolean): Promise<void>;
  setPhase(phase: NonNullable<PodOptions["phase"]>, reason?: string): Promise<void>;
  /** It is Terminating then, as there is no kubelet that ends it. */
  terminate(): Promise<void>;
  /** It is gone then. */
  delete(): Promise<void>;
}

export interface EndpointOptions {
  /** Not of loopback: the API server refuses that. */
  readonly addresses: readonly string[];
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
  readonly zone?: string;
  readonly forZones?: readonly string[];
  /** Name of its Pod. */
  readonly pod?: string;
}

export interface SliceOptions {
  /** @default <service>-1 */
  readonly name?: string;
  readonly ports: readonly { readonly port: number; readonly name?: string; readonly appProtocol?: string }[];
  readonly endpoints: readonly EndpointOptions[];
}

export interface ClusterObjects {
  /** A fresh one, with the ServiceAccount `default`. */
  namespace(): Promise<string>;
  /** Its phase and conditions are set as kubelet does. */
  pod(namespace: string, options?: PodOptions): Promise<TestPod>;
  /** Many of them, several at a time. */
  pods(namespace: string, count: number, options: (index: number) => PodOptions): Promise<TestPod[]>;
  /** Made, or replaced where it is there. */
  endpointSlice(namespace: string, service: string, options: SliceOptions): Promise<void>;
}

const merge = "application/strategic-merge-patch+json";
const maxAtOnce = 16;
let made = 0;

export function clusterObjects({ request }: ApiServer): ClusterObjects {
  const objects: ClusterObjects = {
    async namespace() {
      made += 1;
      const name = `test-${made}-${crypto.randomUUID().slice(0, 8)}`;
      await request("POST", "/api/v1/namespaces", { metadata: { name } });
      await request("POST", `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: "default" } });
      return name;
    },
    async pod(namespace, options = {}) {
      made += 1;
      const { name = `pod-${made}`, ip = "127.0.0.1", labels = {}, annotations = {}, ports = [] } = options;
      const { ready = true, phase = "Running", serviceAccount, node = "node1", template } = options;
      const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
      await request("POST", `/api/v1/namespaces/${namespace}/pods`, {
        metadata: {
          name,
          labels: { ...template?.metadata.labels, ...labels },
          annotations: { ...template?.metadata.annotations, ...annotations },
        },
        spec: {
          containers: [
            {
              name: "main",
              image: "test:1",
              ports: ports.map(({ port, name }) => ({ containerPort: port, ...(name ? { name } : {}) })),
            },
          ],
          ...template?.spec,
          nodeName: node,
          ...(serviceAccount === undefined ? {} : { serviceAccountName: serviceAccount }),
        },
      });
      const setStatus = (status: object): Promise<void> =>
        request("PATCH", `${path}/status`, { status }, merge);
      await setStatus({ phase, podIP: ip, podIPs: [{ ip }], conditions: conditions(ready) });
      return {
        name,
        namespace,
        get: () => request("GET", path),
        patch: (metadata) => request("PATCH", path, { metadata }, merge),
        setReady: (ready) => setStatus({ conditions: conditions(ready) }),
        setPhase: (phase, reason) =>
          setStatus({
            phase,
            ...(reason === undefined ? {} : { reason }),
            conditions: conditions(phase === "Running"),
          }),
        terminate: () => request("DELETE", path, { gracePeriodSeconds: 30 }),
        delete: () => request("DELETE", path, { gracePeriodSeconds: 0 }),
      };
    },
    async pods(namespace, count, options) {
      const pods: TestPod[] = [];
      let next = 0;
      const work = async (): Promise<void> => {
        for (let index = next++; index < count; index = next++) {
          pods[index] = await objects.pod(namespace, options(index));
        }
      };
      await Promise.all(Array.from({ length: maxAtOnce }, work));
      return pods;
    },
    async endpointSlice(namespace, service, { name = `${service}-1`, ports, endpoints }) {
      const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
      const slice = {
        metadata: { name, labels: { "kubernetes.io/service-name": service } },
        addressType: endpoints.some(({ addresses }) => addresses[0]?.includes(":")) ? "IPv6" : "IPv4",
        ports: ports.map((port) => ({ protocol: "TCP", ...port })),
        endpoints: endpoints.map(({ ready = true, serving = ready, terminating = false, ...endpoint }) => ({
          addresses: endpoint.addresses,
          conditions: { ready, serving, terminating },
          ...(endpoint.zone === undefined ? {} : { zone: endpoint.zone }),
          ...(endpoint.forZones ? { hints: { forZones: endpoint.forZones.map((name) => ({ name })) } } : {}),
          ...(endpoint.pod === undefined
            ? {}
            : { targetRef: { kind: "Pod", name: endpoint.pod, namespace } }),
        })),
      };
      try {
        await request("POST", path, slice);
      } catch (error) {
        if (!/ 409 /.test(String(error))) throw error;
        await request("PUT", `${path}/${name}`, slice);
      }
    },
  };
  return objects;
}

function conditions(ready: boolean): object[] {
  const status = ready ? "True" : "False";
  return ["Ready", "ContainersReady"].map((type) => ({ type, status }));
}
