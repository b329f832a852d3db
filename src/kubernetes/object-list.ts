/** All objects of one kind, read in pages, of which only what is wanted is kept. */
import { MicrorunError } from "../errors.ts";
import type { Cluster } from "./cluster.ts";

/** As client-go's. */
const pageSize = 500;
/** The most pages of one list. */
const maxPages = 2000;
/** How often a list is begun anew because its pages had expired. */
const maxRestarts = 3;

export interface ListOptions<T> {
  readonly cluster: Cluster;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>> | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
  readonly prune: (object: any) => T | undefined;
  readonly signal: AbortSignal;
}

export interface ObjectList<T> {
  /** By `namespace/name`. */
  readonly items: Map<string, T>;
  /** From where a watch goes on. */
  readonly version: string;
}

/**
 * Asked without a resourceVersion, which is the newest state. `resourceVersion=0` would be cheaper, but it is whatever the API
 * server's cache holds: after a restart, or from another of several servers, that may be older than what we already know, so
 * that gone pods come back; and servers give it in one piece, whatever the page size.
 * @throws MicrorunError as request does
 */
export async function listObjects<T>(options: ListOptions<T>): Promise<ObjectList<T>> {
  for (let restarts = 0; ; restarts++) {
    try {
      return await listOnce(options);
    } catch (error) {
      if (!isExpired(error) || restarts === maxRestarts) throw error;
    }
  }
}

/** 410: that version of the list is no longer kept. */
export function isExpired(error: unknown): boolean {
  return error instanceof MicrorunError && error.code === "out_of_range";
}

// biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
export function keyOf({ metadata }: any): string {
  return `${metadata?.namespace ?? ""}/${metadata?.name ?? ""}`;
}

async function listOnce<T>({ cluster, path, query, prune, signal }: ListOptions<T>): Promise<ObjectList<T>> {
  const items = new Map<string, T>();
  let next = "";
  for (let pages = 0; pages < maxPages; pages++) {
    const more = next === "" ? {} : { continue: next };
    const asked = { ...query, limit: String(pageSize), ...more };
    const page = await cluster.request("GET", path, { query: asked, signal });
    for (const object of page.items ?? []) {
      const kept = prune(object);
      if (kept !== undefined) items.set(keyOf(object), kept);
    }
    const { continue: token = "", resourceVersion: version = "" } = page.metadata ?? {};
    if (token === "") {
      if (version !== "") return { items, version };
      throw new MicrorunError("unavailable", `GET ${path}: the answer is no list`);
    }
    next = token;
  }
  throw new MicrorunError("unavailable", `GET ${path}: more than ${maxPages} pages`);
}
