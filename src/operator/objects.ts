/** The objects of one MicroService: made, changed, repaired and removed until they are what is wanted. */
import { createHash } from "node:crypto";
import { MicrorunError } from "../errors.ts";
import type { Known, MicroService, OperatorCluster, Owned, Seen, Wanted } from "./operator.ts";
import { resource } from "./operator.ts";
import { isOlder, owned, ownedBy } from "./ownership.ts";

/** What was done, for people: `deployment/greeter`. */
export interface Done {
  readonly made: readonly string[];
  readonly changed: readonly string[];
  /** Others had changed or removed them. */
  readonly repaired: readonly string[];
  readonly removed: readonly string[];
}

interface Last {
  /** Of what we said. */
  readonly digest: string;
  /** What came of it. */
  readonly seen: Owned;
}

/** What was applied last, by path; without it everything is applied anew, which changes nothing that is right. */
export type Memory = Map<string, Last>;

export interface Bringing {
  readonly cluster: OperatorCluster;
  readonly known: Known;
  readonly service: MicroService;
  readonly memory: Memory;
  readonly signal: AbortSignal;
}

/** @returns what was done, and the objects as they are now @throws MicrorunError as the API server says */
export async function bring(
  objects: readonly Wanted[],
  bringing: Bringing,
): Promise<{ readonly done: Done; readonly present: readonly Owned[] }> {
  const { cluster, known, service, memory, signal } = bringing;
  const done = { made: [], changed: [], repaired: [], removed: [] } as Record<keyof Done, string[]>;
  const present: Owned[] = [];
  for (const object of objects) present.push(await bringOne(ownedBy(service, object), bringing, done));
  const wanted = new Set(objects.map(cluster.pathOf));
  for (const one of known.labelled(service)) {
    const path = cluster.pathOf(one);
    if (wanted.has(path) || one.owner?.uid !== service.uid) continue;
    if (await remove(cluster, one, signal)) done.removed.push(titleOf(one));
    memory.delete(path);
  }
  return { done, present };
}

async function bringOne(
  object: Wanted,
  { cluster, known, service, memory, signal }: Bringing,
  done: Record<keyof Done, string[]>,
): Promise<Owned> {
  const path = cluster.pathOf(object);
  const digest = createHash("sha256").update(JSON.stringify(object)).digest("base64");
  const last = memory.get(path);
  const watched = known.owned(path);
  // the watch has yet to bring what we have done ourselves
  const behind = last !== undefined && watched !== undefined && isOlder(watched.version, last.seen.version);
  const seen = behind ? last.seen : watched;
  if (last?.digest === digest && seen?.uid === last.seen.uid && seen.print === last.seen.print) return seen;

  const found = seen ?? (await present(cluster, object, signal));
  if (found !== undefined) mustBeOurs(found, service, found.uid === last?.seen.uid);
  const now = owned(await applied(cluster, object, found, signal), object.apiVersion, object.kind);
  memory.set(path, { digest, seen: now });
  const title = titleOf(object);
  if (found === undefined || found.uid !== now.uid)
    done[last === undefined ? "made" : "repaired"].push(title);
  else if (last === undefined || last.digest !== digest) {
    if (now.print !== found.print) done.changed.push(title);
  } else if (now.print !== found.print) done.repaired.push(title);
  return now;
}

/**
 * Whether what is there, of a name that we want, may be changed.
 * @param known we have made it, whoever says otherwise
 * @throws MicrorunError `failed_precondition`
 */
function mustBeOurs(found: Owned, { name, uid, adopts }: MicroService, known: boolean): void {
  const { owner } = found;
  if (owner?.uid === uid) return;
  const refused = (why: string, hint: string) =>
    new MicrorunError("failed_precondition", `${titleOf(found)}: ${why}`, { reason: "NOT_OWNED", hint });
  if (owner?.kind === resource.kind && owner.name === name)
    throw refused("left of one before of that name", "wait until the cluster has removed it");
  if (owner !== undefined)
    throw refused(`${owner.kind} ${owner.name} made it`, "choose another name, or remove what is there");
  if (found.service !== name && !known && !adopts)
    throw refused(
      "somebody else made it",
      `choose another name, remove what is there, or take it over: kubectl annotate microservice ${name} microrun.dev/adopt=true`,
    );
}

async function applied(
  cluster: OperatorCluster,
  object: Wanted,
  found: Owned | undefined,
  signal: AbortSignal,
): Promise<Seen> {
  try {
    return await cluster.apply(object, signal);
  } catch (error) {
    const { message } = MicrorunError.from(error);
    const fixed = /field is immutable|may not change once set|can not be unset|cannot change roleRef/.test(
      message,
    );
    if (!fixed || found === undefined) throw error;
    // what cannot change is made anew
    await remove(cluster, found, signal);
    return cluster.apply(object, signal);
  }
}

/** One without our label is not watched. */
async function present(
  cluster: OperatorCluster,
  object: Wanted,
  signal: AbortSignal,
): Promise<Owned | undefined> {
  try {
    const found = await cluster.request("GET", cluster.pathOf(object), { signal });
    return owned(found, object.apiVersion, object.kind);
  } catch (error) {
    if (MicrorunError.from(error).code === "not_found") return undefined;
    throw error;
  }
}

/** @returns whether it was still there */
async function remove(cluster: OperatorCluster, one: Owned, signal: AbortSignal): Promise<boolean> {
  // one of the same name may have been made meanwhile
  const body = { propagationPolicy: "Background", preconditions: { uid: one.uid } };
  try {
    await cluster.request("DELETE", cluster.pathOf(one), { body, signal });
    return true;
  } catch (error) {
    if (["not_found", "aborted"].includes(MicrorunError.from(error).code)) return false;
    throw error;
  }
}

function titleOf({ kind, metadata }: Pick<Wanted, "kind" | "metadata">): string {
  return `${kind.toLowerCase()}/${metadata.name}`;
}
