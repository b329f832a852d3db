/** A form in which a Pod tells which services it holds; each has a file of its own. */
import type { Instance } from "../../registry/registry.ts";

/** What a form reads of a Pod. */
export interface PodText {
  readonly name: string;
  readonly namespace: string;
  readonly ip: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** The containers' declared ports. */
  readonly ports: readonly { readonly name: string; readonly port: number }[];
}

/** Metadata to be merged into a Pod's; null takes a key away. */
export interface PodPatch {
  readonly labels: Readonly<Record<string, string | null>>;
  readonly annotations: Readonly<Record<string, string | null>>;
}

/** Told of what cannot be read: the label's or annotation's key, why, and the service that it is of. */
export type Broken = (key: string, why: string, service: string) => void;

/** Makes equal values one value, as thousands of Pods say the same of themselves. */
export type Share = <T>(value: T) => T;

export interface Form {
  /** How much one Pod can tell of in it, for people. */
  readonly room: string;
  /** @throws MicrorunError `invalid_argument` for a name, id or version that cannot be written */
  check(instance: Instance): void;
  /** Instances of one Pod with the same slot are written together. */
  slot(instance: Instance): string;
  /** @param instances of one slot, the last registered last */
  announce(instances: readonly [Instance, ...Instance[]]): PodPatch;
  /** Takes back all of a slot. */
  withdraw(instance: Instance): PodPatch;
  /** `labelSelector` of the Pods that may hold the instance. */
  selector(instance: Instance): string;
  /** What takes this one instance from a Pod, whoever wrote it; undefined: it is not there. */
  without(pod: PodText, instance: Instance): PodPatch | undefined;
  /** What others cannot see of an instance on this Pod, as text; undefined: all is well. */
  unseen(pod: PodText, instance: Instance): string | undefined;
  /** What cannot be read is told and left out. */
  read(pod: PodText, broken: Broken, share: Share): readonly Instance[];
}
