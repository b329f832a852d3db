/** The tree of all objects of a source, and what is wrong with them: what can no longer be read holds as it was last. */
import type { ConfigData } from "../../config/config.ts";
import { MicrorunError } from "../../errors.ts";
import { type ConfigAddress, nameOf } from "../config-address.ts";
import { type Entries, layered, type ReadEntries, readObject } from "./config-entries.ts";

export interface ConfigState {
  /** The same object as before where nothing changed; undefined: none could be read yet. */
  readonly tree: ConfigData | undefined;
  readonly fault: MicrorunError | undefined;
  /** Names of entries that the tree is without, since they are no text; of several objects after theirs: `shop/keystore.jks`. */
  readonly left: readonly string[];
}

/** Faults told at once. */
const maxFaults = 5;

interface Part extends ConfigState {
  readonly entries: Entries;
}

/** @returns what takes in the objects that are there now, by `namespace/name` */
export function configView(
  address: ConfigAddress & { readonly namespace: string },
  read: ReadEntries,
): (current: ReadonlyMap<string, Entries>) => ConfigState {
  let parts: ReadonlyMap<string, Part> = new Map();
  let tree: ConfigData | undefined;

  const look = (name: string, entries: Entries): Part => {
    const before = parts.get(name);
    if (before?.entries === entries) return before;
    const named = address.name === undefined ? `${name}: ` : "";
    try {
      const { tree, left } = readObject(entries, address.format, read);
      const names = address.name === undefined ? left.map((entry) => `${name}/${entry}`) : left;
      return { entries, tree, fault: undefined, left: names };
    } catch (error) {
      const { code, message, hint } = MicrorunError.from(error);
      const fault = new MicrorunError(code, named + message, hint === undefined ? {} : { hint });
      return { entries, tree: before?.tree, fault, left: before?.left ?? [] };
    }
  };

  return (current) => {
    if (current.size === 0) {
      // whoever deletes all of it did not mean to run without: a change of the selection leaves something
      tree ??= Object.create(null) as ConfigData;
      return { tree, fault: absent(address, parts.size > 0), left: leftOf(parts) };
    }
    const names = [...current].map(([key, entries]) => [key.slice(key.indexOf("/") + 1), entries] as const);
    names.sort(([a], [b]) => (a < b ? -1 : 1));
    const next = new Map(names.map(([name, entries]) => [name, look(name, entries)]));
    const trees = treesOf(next);
    const before = treesOf(parts);
    parts = next;
    const same = trees.length === before.length && trees.every((one, index) => one === before[index]);
    if (trees.length > 0 && (tree === undefined || !same)) tree = layered(trees);
    const faults = [...next.values()].flatMap(({ fault }) => fault ?? []);
    return { tree, fault: together(faults), left: leftOf(next) };
  };
}

function treesOf(parts: ReadonlyMap<string, Part>): readonly ConfigData[] {
  return [...parts.values()].map(({ tree }) => tree).filter((tree) => tree !== undefined);
}

function leftOf(parts: ReadonlyMap<string, Part>): readonly string[] {
  return [...parts.values()].flatMap(({ left }) => left);
}

const titles = { configmap: "ConfigMap", secret: "Secret" } as const;

function absent(address: ConfigAddress & { readonly namespace: string }, before: boolean): MicrorunError {
  const { kind, namespace, name, labels, fields } = address;
  const title = titles[kind];
  const chosen = [labels && `labels ${labels}`, fields && `fields ${fields}`].filter(Boolean).join(" and ");
  const what = name === undefined ? `${title} with ${chosen}` : `${title} ${name}`;
  if (before) {
    const hint = "make it again, or restart the service to run without it";
    return new MicrorunError(
      "not_found",
      `no ${what} in namespace ${namespace} any more: the last values stay`,
      { hint },
    );
  }
  const made = kind === "secret" ? "secret generic" : "configmap";
  const wanted = nameOf(address);
  const hint =
    wanted !== undefined && labels === undefined
      ? `make it: kubectl create ${made} ${wanted} --namespace=${namespace} --from-file=FOLDER`
      : fields === undefined
        ? `label one: kubectl label ${kind} NAME --namespace=${namespace} KEY=VALUE`
        : `compare with what is there: kubectl get ${kind}s --namespace=${namespace} --show-labels`;
  return new MicrorunError("not_found", `no ${what} in namespace ${namespace}`, { hint });
}

function together(faults: readonly MicrorunError[]): MicrorunError | undefined {
  const [first, ...more] = faults;
  if (first === undefined || more.length === 0) return first;
  const unsaid = faults.length - maxFaults;
  const messages = faults.slice(0, maxFaults).map(({ message }) => message);
  const text = messages.join("; ") + (unsaid > 0 ? ` and ${unsaid} more` : "");
  return new MicrorunError(first.code, text, first.hint === undefined ? {} : { hint: first.hint });
}
