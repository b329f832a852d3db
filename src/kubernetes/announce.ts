/** What this process says of itself on its own Pod: written, kept there, taken back. */
import type { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Instance } from "../registry/registry.ts";
import { pause } from "../wait.ts";
import { type Assertion, assertion } from "./assertion.ts";
import type { Cluster } from "./cluster.ts";
import { deniedMessage } from "./denied.ts";
import type { Form, PodPatch } from "./form.ts";
import { learn, type OwnPod } from "./own-pod.ts";
import { podText } from "./pods.ts";

/** How long a start waits for the first answer; then the service goes on, and the registration comes later. */
export const firstAnswerMs = 3000;
/** How long a stop waits until the registration is taken back. */
export const withdrawMs = 2000;

export interface Announcer extends Disposable {
  /** @throws MicrorunError `invalid_argument` */
  register(instance: Instance): Promise<AsyncDisposable>;
  /** Takes back what this process has registered under the id; false: it has not. @throws MicrorunError */
  withdraw(instance: Instance): Promise<boolean>;
}

export interface AnnouncerOptions {
  readonly cluster: Cluster;
  readonly own: OwnPod;
  readonly form: Form;
  readonly intervalMs: number;
  readonly log: Log;
}

interface Slot {
  /** By id, the last registered last. */
  readonly instances: Map<string, Instance>;
  readonly assertion: Assertion;
  /** The Pod tells of it, as far as we know. */
  readonly written: boolean;
}

export function announcer(options: AnnouncerOptions): Announcer {
  const { form, own, log } = options;
  const slots = new Map<string, Slot>();

  const remove = async (name: string, slot: Slot, { id }: Instance): Promise<MicrorunError | undefined> => {
    slot.instances.delete(id);
    if (slot.instances.size > 0) {
      await bounded(withdrawMs, slot.assertion.write());
      return undefined;
    }
    const error = await slot.assertion.withdraw(withdrawMs);
    if (slot.instances.size === 0 && slots.get(name) === slot) slots.delete(name);
    // a pod that is gone tells of nothing, and what was never written need not be taken back
    return slot.written && error?.code !== "not_found" ? error : undefined;
  };

  return {
    async register(instance) {
      form.check(instance);
      const name = form.slot(instance);
      let slot = slots.get(name);
      if (slot === undefined) {
        slot = openSlot(instance, options);
        slots.set(name, slot);
      }
      const mine = slot;
      const before = [...mine.instances.values()].find(({ service }) => service !== instance.service);
      if (before !== undefined)
        log.warn(
          `${instance.service} takes the place of ${before.service} on pod ${own.name}: it holds ${form.room}`,
          {
            hint: "name them otherwise, or use --registry_format=micro for several services in one pod",
          },
        );
      mine.instances.delete(instance.id);
      mine.instances.set(instance.id, instance);
      await bounded(firstAnswerMs, mine.assertion.write());
      return {
        async [Symbol.asyncDispose]() {
          if (mine.instances.get(instance.id) !== instance) return;
          const error = await remove(name, mine, instance);
          if (error !== undefined)
            log.warn(
              `${instance.service} is still registered on pod ${own.namespace}/${own.name}: ${error.message}`,
            );
        },
      };
    },
    async withdraw(instance) {
      const name = form.slot(instance);
      const slot = slots.get(name);
      if (!slot?.instances.has(instance.id)) return false;
      const error = await remove(name, slot, instance);
      if (error !== undefined) throw error;
      return true;
    },
    [Symbol.dispose]() {
      for (const slot of slots.values()) slot.assertion.end();
    },
  };
}

/** @param first gives the names that are taken back when nothing is left */
function openSlot(first: Instance, { cluster, own, form, intervalMs, log }: AnnouncerOptions): Slot {
  const instances = new Map<string, Instance>();
  const where = `pod ${own.namespace}/${own.name}`;
  let failing: string | undefined;
  let written = false;
  let warned = false;

  const write = async (signal: AbortSignal): Promise<void> => {
    const [head, ...tail] = instances.values();
    const patch = head === undefined ? form.withdraw(first) : form.announce([head, ...tail]);
    const pod = await patchPod(cluster, own.namespace, own.name, patch, signal);
    written = head !== undefined;
    learn(own, pod, "written");
    const unseen = head === undefined || warned ? undefined : form.unseen(podText(pod), tail.at(-1) ?? head);
    if (unseen === undefined) return;
    warned = true;
    log.warn(`others will not find ${first.service} on ${where}: ${unseen}`, {
      hint: "declare the port under containers[].ports of the pod template",
    });
  };
  const answered = (error: MicrorunError | undefined): void => {
    if (error === undefined) {
      if (failing !== undefined && written) log.info(`registered ${first.service} on ${where}`);
      failing = undefined;
      return;
    }
    // what fails at the end is told by who waits for it
    if (instances.size === 0) return;
    // it may have arrived, and only its answer was lost
    if (error.code === "unavailable" && !error.unsent) written = true;
    if (failing === error.code) return;
    failing = error.code;
    tellFailure(log, first.service, own, error);
  };
  return {
    instances,
    get written() {
      return written;
    },
    assertion: assertion({ empty: () => instances.size === 0, write, answered, intervalMs }),
  };
}

/** Other keys of the Pod stay as they are. The answer is the Pod. */
export async function patchPod(
  cluster: Cluster,
  namespace: string,
  name: string,
  metadata: PodPatch,
  signal?: AbortSignal,
  // biome-ignore lint/suspicious/noExplicitAny: a Kubernetes object
): Promise<any> {
  return await cluster.request("PATCH", `/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(name)}`, {
    body: { metadata },
    contentType: "application/strategic-merge-patch+json",
    ...(signal === undefined ? {} : { signal }),
  });
}

function tellFailure(log: Log, service: string, own: OwnPod, error: MicrorunError): void {
  const what = `cannot register ${service} on pod ${own.namespace}/${own.name}`;
  if (error.code === "not_found") {
    log.warn(`${what}: there is none; its name is from ${own.from}`, {
      hint: "set POD_NAME to the pod's own name, in its template: valueFrom fieldRef metadata.name",
      said: error.message,
    });
    return;
  }
  if (error.code === "permission_denied" || error.code === "unauthenticated") {
    const { message, fields } = deniedMessage(error, "patch", "pods", own.namespace);
    log.warn(`${what}: ${message}`, fields);
    return;
  }
  log.warn(`${what}: ${error.message}`, error.hint === undefined ? {} : { hint: error.hint });
}

async function bounded(ms: number, work: Promise<void>): Promise<void> {
  const over = new AbortController();
  await Promise.race([work, pause(ms, over.signal)]);
  over.abort();
}
