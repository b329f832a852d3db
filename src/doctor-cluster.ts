/** What the doctor looks at in a cluster: the API server, who we are there, what we may do, our Pod. */
import { parseAddress } from "./address.ts";
import { apiServerCheck, clockCheck, identityCheck } from "./doctor/api-server.ts";
import type { Cluster, Reached } from "./doctor/cluster.ts";
import type { Check } from "./doctor/doctor.ts";
import { permissionsCheck } from "./doctor/permissions.ts";
import { podCheck } from "./doctor/pod.ts";
import type { PodFacts } from "./doctor/pod-ports.ts";
import { silentLog } from "./log.ts";
import { http, type RbacObject } from "./plugins.ts";
import { stemOf } from "./service/identity.ts";
import type { Settings } from "./settings.ts";

export interface ClusterExamined {
  /** As a run here would have them. */
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A service account whose permissions are looked at. Undefined: those that we have ourselves. */
  readonly serviceAccount: string | undefined;
  /** What a run needs in a namespace. */
  readonly permissions: (namespace: string) => Promise<readonly RbacObject[]>;
}

/** None where nothing has to do with a cluster. */
export function clusterChecks(
  examined: ClusterExamined,
  stack: AsyncDisposableStack,
): { readonly reached: Reached; readonly checks: readonly Check[] } {
  const { settings, env, serviceAccount, permissions } = examined;
  const { mesh, config } = settings;
  const inCluster = Boolean(env.KUBERNETES_SERVICE_HOST);
  const sources = config.sources.filter((source) => /^(configmap|secret):(?!.*[?&]optional)/.test(source));
  const needed = mesh.registry === "kubernetes" || sources.length > 0 || serviceAccount !== undefined;
  if (!needed && !inCluster) return { reached: async () => undefined, checks: [] };
  let opening: Promise<Cluster> | undefined;
  const open = (): Promise<Cluster> => {
    opening ??= openCluster(examined, stack);
    return opening;
  };
  const reached: Reached = async () => {
    const cluster = await open().catch(() => undefined);
    return cluster?.visit().then(
      () => cluster,
      () => undefined,
    );
  };
  const rights = async (namespace: string) => {
    const { rightsOf } = await import("./kubernetes/permissions/access-review.ts");
    return rightsOf(await permissions(namespace));
  };
  const checks = [
    apiServerCheck(open, needed),
    identityCheck(reached),
    clockCheck(reached),
    permissionsCheck(reached, rights),
    // a person's machine is no Pod
    ...(inCluster ? [podCheck(reached, (namespace) => podFacts(examined, namespace))] : []),
  ];
  return { reached, checks };
}

async function openCluster(
  { settings, env, serviceAccount }: ClusterExamined,
  stack: AsyncDisposableStack,
): Promise<Cluster> {
  const { openCluster } = await import("./kubernetes/api/cluster.ts");
  const { visitApi } = await import("./kubernetes/permissions/api-visit.ts");
  const reviews = await import("./kubernetes/permissions/access-review.ts");
  const { mesh } = settings;
  const [address] = mesh.registry === "kubernetes" ? mesh.registryAddress : [];
  const how = { ...mesh.kubernetes, ...(address === undefined ? {} : { server: address }), env };
  const over = new AbortController();
  stack.defer(() => over.abort());
  const cluster = stack.use(await openCluster({ ...how, log: silentLog }));
  const { server, namespace } = cluster;
  const visiting = visitApi(how, over.signal);
  visiting.catch(() => {});
  const asked =
    serviceAccount === undefined ? undefined : { serviceAccount, serviceAccountNamespace: namespace };
  return {
    server,
    namespace,
    visit: () => visiting,
    whoAmI: (signal) => reviews.whoAmI(cluster, signal),
    missing: (right, signal) => reviews.missingVerbs(cluster, right, { account: asked, signal }),
    async grant(right, verbs) {
      const user = asked === undefined ? await reviews.whoAmI(cluster, over.signal) : undefined;
      const unknown = { serviceAccount: "default", serviceAccountNamespace: namespace };
      return reviews.grantText(
        right,
        verbs,
        asked ?? (user === undefined ? unknown : reviews.accountOf(user)),
      );
    },
    read: (path, signal) => cluster.request("GET", path, { signal }),
  };
}

async function podFacts({ settings, env }: ClusterExamined, namespace: string): Promise<PodFacts> {
  const { ownPod } = await import("./kubernetes/registry/own-pod.ts");
  const { healthPaths } = await http.health();
  const { server, mesh, tls } = settings;
  const { name, from } = ownPod(namespace, env);
  const main = server.address ?? usualAddress;
  const registers = mesh.register && mesh.registry === "kubernetes";
  return {
    name,
    from,
    service: server.name ?? stemOf(settings.module),
    grpc: portOf(settings.grpcAddress ?? main),
    http: portOf(settings.httpAddress ?? main),
    health: settings.healthAddress === undefined ? undefined : portOf(settings.healthAddress),
    tls: tls === undefined ? "none" : tls.ca === undefined ? "server" : "mutual",
    healthPaths,
    registersOnPod: registers,
    kratosForm: registers && mesh.registryFormat !== "micro",
    drainDelayMs: settings.drainDelayMs,
    drainTimeoutMs: settings.drainTimeoutMs,
  };
}

const usualAddress = ":8080";

function portOf(address: string): number {
  const place = parseAddress(address);
  return place.path === undefined ? place.port : 0;
}
