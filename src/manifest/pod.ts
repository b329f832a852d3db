/** The Pods of a service: one container, under PodSecurity's `restricted`. */
import { container } from "./container.ts";
import type { Facts, Mount } from "./facts.ts";
import { commonLabels, selectorLabels } from "./labels.ts";

/** Nobody, as the images of microrun have it. */
const user = 65_532;

export interface PodTemplate {
  readonly metadata: object;
  readonly spec: object;
}

/** @param more what else its spec has */
export function podTemplate(facts: Facts, more: object = {}): PodTemplate {
  const { account, inject, mounts, pullSecrets, run } = facts;
  const stays = run.kind !== "job";
  return {
    metadata: {
      labels: {
        ...commonLabels(facts),
        ...(facts.registers ? { "micro.mu/type": "service" } : {}),
        ...(inject === "istio" ? { "sidecar.istio.io/inject": "true" } : {}),
      },
      ...(inject === undefined ? {} : { annotations: annotations[inject] }),
    },
    spec: {
      serviceAccountName: account.name,
      automountServiceAccountToken: account.token,
      // a Service called micro-server would set our own variables
      enableServiceLinks: false,
      terminationGracePeriodSeconds: facts.graceSeconds,
      ...(pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: user,
        runAsGroup: user,
        seccompProfile: { type: "RuntimeDefault" },
      },
      ...(stays ? { topologySpreadConstraints: spread(facts) } : {}),
      containers: [container(facts)],
      ...(mounts.length === 0 ? {} : { volumes: mounts.map(volume) }),
      ...more,
    },
  };
}

const annotations = {
  linkerd: { "linkerd.io/inject": "enabled" },
  // calls made at the start need the proxy
  istio: { "proxy.istio.io/config": "holdApplicationUntilProxyStarts: true\n" },
} as const;

/** Over zones and nodes, as far as there are any. */
function spread(facts: Facts): object[] {
  return ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: selectorLabels(facts) },
  }));
}

function volume({ from }: Mount, at: number): object {
  const name = `mount-${at}`;
  if (from === undefined) return { name, emptyDir: {} };
  return from.kind === "secret"
    ? { name, secret: { secretName: from.name } }
    : { name, configMap: { name: from.name } };
}
