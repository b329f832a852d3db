/** What is kept of a Pod: its instances, read once, and whether they may be called. */
import type { Instance } from "../../registry/registry.ts";
import type { Broken, Form, PodText, Share } from "./form.ts";
import { isWithdrawn, kratosForm } from "./kratos-form.ts";
import { microForm } from "./micro-form.ts";
import { learn, type OwnPod, zoneLabel } from "./own-pod.ts";

export interface FoundPod {
  /** `namespace/name` */
  readonly key: string;
  /** Running and Ready, whether or not it is Terminating. */
  readonly serving: boolean;
  /** It serves, is not Terminating, and has not said that it ends. */
  readonly available: boolean;
  readonly zone: string | undefined;
  /** Empty unless available. */
  readonly instances: readonly Instance[];
}

/** All are read at once; of a service that a Pod tells of in several, the first counts. */
export const forms: readonly Form[] = [microForm, kratosForm("kratos"), kratosForm("gomicro")];

const ours = /^(micro\.mu\/|(kratos|gomicro)-service-)/;

export interface PodReading {
  readonly own: OwnPod;
  readonly share: Share;
  /** Told of what cannot be read, each time it is met. */
  readonly broken: (pod: string, ...what: Parameters<Broken>) => void;
}

/** Undefined: it holds nothing of ours. */
// biome-ignore lint/suspicious/noExplicitAny: a Kubernetes object
export function readPod(pod: any, { own, share, broken }: PodReading): FoundPod | undefined {
  learn(own, pod, "seen");
  const text = podText(pod);
  if (![...Object.keys(text.labels), ...Object.keys(text.annotations)].some((key) => ours.test(key)))
    return undefined;
  const key = `${text.namespace}/${text.name}`;
  const serving = isServing(pod.status);
  const available = serving && pod.metadata.deletionTimestamp == null && !isWithdrawn(text.labels);
  const instances: Instance[] = [];
  if (available) {
    for (const form of forms) {
      const told = new Set(instances.map(({ service }) => service));
      const read = form.read(text, (...what) => broken(key, ...what), share);
      instances.push(...read.filter(({ service }) => !told.has(service)));
    }
  }
  const zone = text.labels[zoneLabel];
  return {
    key: share(key),
    serving,
    available,
    zone: zone === undefined ? undefined : share(zone),
    instances,
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a Kubernetes object
export function podText({ metadata, spec, status }: any): PodText {
  // biome-ignore lint/suspicious/noExplicitAny: parts of a Kubernetes object
  const containers: any[] = spec?.containers ?? [];
  return {
    name: metadata.name,
    namespace: metadata.namespace,
    ip: status?.podIP ?? "",
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    ports: containers
      .flatMap(({ ports }) => ports ?? [])
      .map(({ name, containerPort }) => ({ name: name ?? "", port: containerPort })),
  };
}

interface PodStatus {
  readonly phase?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}

function isServing(status: PodStatus | undefined): boolean {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  return status?.phase === "Running" && ready?.status === "True";
}
