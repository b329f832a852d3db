/** What this process says of itself on its own Pod: written, kept there, taken back. */
import type { MicrorunError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Instance } from "../../registry/registry.ts";
import { pause } from "../../wait.ts";
import type { Cluster } from "../api/cluster.ts";
import { type DeniedMessage, deniedMessage, type Needs } from "../permissions/denied.ts";
import { type Assertion, assertion } from "./assertion.ts";
import type { Form, PodPatch } from "./form.ts";
import { learn, type OwnPod } from "./own-pod.ts";
import { podText } from "./pods.ts";

/** How long a start waits for the first answer; then the service goes on, and the registration comes later. */
export const firstAnswerMs = 3000;
/** How long a stop waits until the registration is taken back. */
export const withdrawMs = 2000;

export interface Announcer extends Disposable {
  /** Something has been registered. */
  readonly used: boolean;
  /** Why something that was registered is not announced. */
  readonly trouble: string | undefined;
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
  readonly needs: Needs;
  readonly log: Log;
}

interface Slot {
  /** By id, the last registered last. */
  readonly instances: Map<string, Instance>;
  readonly assertion: Assertion;
  /** Why the last write failed, or is not answered yet. */
  readonly trouble: string | undefined;
  /** The first answer does not come in time. */
  late(): void;
  /** The Pod tells of it, as far as we know. */
  readonly written: boolean;
}

export function announcer(options: AnnouncerOptions): Announcer {
  const { form, own, log } = options;
  const slots = new Map<string, Slot>();
  let used = false;

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
    get used() {
      return used;
    },
    get trouble() {
      return [...slots.values()].map(({ trouble }) => trouble).find(Boolean);
    },
    async register(instance) {
      form.check(instance);
      used = true;
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
      if (!(await bounded(firstAnswerMs, mine.assertion.write()))) mine.late();
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
function openSlot(first: Instance, options: AnnouncerOptions): Slot {
  const { cluster, own, form, intervalMs, needs, log } = options;
  const instances = new Map<string, Instance>();
  const where = `pod ${own.namespace}/${own.name}`;
  let failing: string | undefined;
  let trouble: string | undefined;
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
      failing = trouble = undefined;
      return;
    }
    // what fails at the end is told by who waits for it
    if (instances.size === 0) return;
    // it may have arrived, and only its answer was lost
    if (error.code === "unavailable" && !error.unsent) written = true;
    const { message, fields } = failure(own, error, needs);
    trouble = `not registered on ${where}: ${message}`;
    if (failing === error.code) return;
    failing = error.code;
    log.warn(`cannot register ${first.service} on ${where}: ${message}`, fields);
  };
  return {
    instances,
    get written() {
      return written;
    },
    get trouble() {
      return trouble;
    },
    late() {
      failing ??= "late";
      const why = `no answer from ${cluster.server} within ${firstAnswerMs} ms`;
      trouble ??= `not registered on ${where} yet: ${why}`;
      log.warn(`cannot register ${first.service} on ${where} yet: ${why}`, {
        hint: "check that the API server can be reached from here; it is tried again",
      });
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

function failure(own: OwnPod, error: MicrorunError, needs: Needs): DeniedMessage {
  if (error.code === "not_found") {
    return {
      message: `there is none; its name is from ${own.from}`,
      fields: {
        hint: "set POD_NAME to the pod's own name, in its template: valueFrom fieldRef metadata.name",
        said: error.message,
      },
    };
  }
  if (error.code === "permission_denied" || error.code === "unauthenticated") {
    return deniedMessage(error, "patch", "pods", own.namespace, needs);
  }
  return { message: error.message, fields: error.hint === undefined ? {} : { hint: error.hint } };
}

/** Whether it was done in time. */
async function bounded(ms: number, work: Promise<void>): Promise<boolean> {
  const over = new AbortController();
  const done = await Promise.race([work.then(() => true), pause(ms, over.signal).then(() => false)]);
  over.abort();
  return done;
}
