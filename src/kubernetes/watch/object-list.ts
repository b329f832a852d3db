/** All objects of one kind, read in pages, each asked for while the one before is parsed; only what is wanted is kept. */
import { MicrorunError } from "../../errors.ts";
import type { Cluster } from "../api/cluster.ts";

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

async function listOnce<T>(options: ListOptions<T>): Promise<ObjectList<T>> {
  const { path, prune } = options;
  const items = new Map<string, T>();
  let page = askFor("", options);
  for (let pages = 0; pages < maxPages; pages++) {
    const { items: objects, metadata } = await page.content;
    for (const object of objects ?? []) {
      const kept = prune(object);
      if (kept !== undefined) items.set(keyOf(object), kept);
    }
    const token: string = metadata?.continue ?? "";
    const version: string = metadata?.resourceVersion ?? "";
    if (token === "") {
      if (version !== "") return { items, version };
      throw new MicrorunError("unavailable", `GET ${path}: the answer is no list`);
    }
    const { next } = page;
    page = next?.token === token ? next : askFor(token, options);
  }
  throw new MicrorunError("unavailable", `GET ${path}: more than ${maxPages} pages`);
}

interface Page {
  readonly token: string;
  // biome-ignore lint/suspicious/noExplicitAny: a list of any Kubernetes objects
  readonly content: Promise<any>;
  /** Asked for before this one was parsed. */
  readonly next: Page | undefined;
}

/**
 * @param token which page; empty: the first
 * @param before resolves once the page before is parsed: no more than one is asked for ahead
 */
function askFor(token: string, options: Omit<ListOptions<unknown>, "prune">, before?: Promise<void>): Page {
  const { cluster, path, query, signal } = options;
  let next: Page | undefined;
  const content = cluster.request("GET", path, {
    query: { ...query, limit: String(pageSize), ...(token === "" ? {} : { continue: token }) },
    signal,
    async arrived(text) {
      await before;
      const following = tokenAtHead(text);
      if (following === undefined) return;
      next = askFor(following, options, parsed);
      // the question is on its way before parsing stops everything
      await new Promise((resolve) => setImmediate(resolve));
    },
  });
  // that it failed is told to who awaits the content, and a list that has ended does not
  const parsed = content.then(
    () => {},
    () => {},
  );
  return {
    token,
    content,
    get next() {
      return next;
    },
  };
}

/** The continue token where a list begins as the API server writes it, so that it need not be parsed to be known. */
export function tokenAtHead(text: string): string | undefined {
  return listHead.exec(text)?.[1];
}

const listHead =
  /^\{"kind":"\w+","apiVersion":"[\w./-]+","metadata":\{"resourceVersion":"\w+","continue":"([^"\\]+)"[,}]/;
