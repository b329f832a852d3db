import { expect, test } from "bun:test";
import { MicrorunError } from "../../errors.ts";
import { createLog, silentLog } from "../../log.ts";
import { apiError } from "../api/api-error.ts";
import type { Cluster, WatchEvent } from "../api/cluster.ts";
import { type ReflectorBounds, reflect } from "./reflector.ts";

type Query = Readonly<Record<string, string>>;

/** A watch under way, driven by the test. */
interface OpenWatch {
  readonly query: Query;
  readonly signal: AbortSignal;
  send(...events: WatchEvent[]): void;
  close(error?: Error): void;
}

type Step = (query: Query) => unknown;

/** The edge of the network: answers to lists in order, and watches as the reflector opens them. */
function scriptedCluster(...lists: Step[]) {
  const asked: Query[] = [];
  const opened: OpenWatch[] = [];
  const refusals: Error[] = [];
  let arrived = Promise.withResolvers<void>();
  const until = async (): Promise<void> => {
    await arrived.promise;
    arrived = Promise.withResolvers();
  };
  const cluster: Cluster = {
    server: "https://cluster.example",
    namespace: "default",
    request: async (_method, _path, options) => {
      asked.push(options?.query ?? {});
      arrived.resolve();
      const step = lists.shift();
      if (step !== undefined) return step(options?.query ?? {});
      return await new Promise((_, reject) =>
        options?.signal?.addEventListener("abort", () => reject(new MicrorunError("cancelled", "stopped"))),
      );
    },
    watch: async function* (_path, query, signal, accepted) {
      const refusal = refusals.shift();
      if (refusal !== undefined) throw refusal;
      const queue: (WatchEvent | Error | undefined)[] = [];
      let more = Promise.withResolvers<void>();
      const put = (item: WatchEvent | Error | undefined): void => {
        queue.push(item);
        more.resolve();
      };
      signal.addEventListener("abort", () => put(undefined));
      accepted?.();
      opened.push({ query, signal, send: (...events) => events.forEach(put), close: put });
      arrived.resolve();
      for (;;) {
        while (queue.length > 0) {
          const item = queue.shift();
          if (signal.aborted || item === undefined) return;
          if (item instanceof Error) throw item;
          yield item;
        }
        more = Promise.withResolvers();
        await more.promise;
      }
    },
    [Symbol.asyncDispose]: async () => {},
  };
  return {
    cluster,
    asked,
    opened,
    lists,
    /** What the next watches are answered with instead of being opened. */
    refusals,
    /** The watch of this number, once it is there. */
    watch: async (number: number): Promise<OpenWatch> => {
      while (opened.length <= number) await until();
      return opened[number]!;
    },
    askedTimes: async (times: number): Promise<void> => {
      while (asked.length < times) await until();
    },
  };
}

const bounds: ReflectorBounds = {
  retryMs: [0, 0],
  deniedMs: [0, 0],
  idleMs: 60_000,
  quickMs: 60_000,
  maxQuick: 3,
  watchSeconds: [300, 600],
};

const pod = (name: string, version: string, label = "", namespace = "a") => ({
  metadata: {
    name,
    namespace,
    resourceVersion: version,
    labels: { label },
    managedFields: [{ much: "more" }],
  },
});

const list =
  (version: string, ...items: unknown[]): Step =>
  () => ({ metadata: { resourceVersion: version }, items });

const event = (type: WatchEvent["type"], object: unknown): WatchEvent => ({ type, object });
const gone = () => apiError(410, { message: "too old resource version", reason: "Expired" }, "watch");
const forbidden = () => apiError(403, { message: "pods is forbidden", reason: "Forbidden" }, "list");
const away = () => new MicrorunError("unavailable", "cannot reach it: connection refused", { unsent: true });
const failing =
  (error: () => Error): Step =>
  () => {
    throw error();
  };

// biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
const prune = ({ metadata }: any) => (metadata.labels.label === "hidden" ? undefined : metadata.labels.label);

function reflectPods(cluster: Cluster, given: Partial<ReflectorBounds> = {}, log = silentLog) {
  const path = "/api/v1/namespaces/a/pods";
  const query = { labelSelector: "x=y" };
  return reflect<string>({ cluster, path, query, prune, log }, { ...bounds, ...given });
}

/** Resolves with the next change. */
const change = (reflector: { onChange(changed: () => void): () => void }): Promise<void> =>
  new Promise((resolve) => {
    const end = reflector.onChange(() => {
      end();
      resolve();
    });
  });

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a list is read in pages, and what is pruned to nothing is not kept", async () => {
  const { cluster, asked } = scriptedCluster(
    () => ({
      metadata: { resourceVersion: "7", continue: "more" },
      items: [pod("p", "1", "one"), pod("h", "2", "hidden")],
    }),
    list("7", pod("p", "3", "two", "b")),
  );
  await using reflector = reflectPods(cluster);
  await reflector.synced;
  expect([...reflector.current]).toEqual([
    ["a/p", "one"],
    ["b/p", "two"],
  ]);
  expect(asked).toEqual([
    { labelSelector: "x=y", limit: "500" },
    { labelSelector: "x=y", limit: "500", continue: "more" },
  ]);
});

test("a list whose pages expire is begun anew, without what the first pages said", async () => {
  const { cluster, asked } = scriptedCluster(
    () => ({ metadata: { resourceVersion: "7", continue: "more" }, items: [pod("old", "1")] }),
    failing(gone),
    list("9", pod("new", "8")),
  );
  await using reflector = reflectPods(cluster);
  await reflector.synced;
  expect([...reflector.current.keys()]).toEqual(["a/new"]);
  expect(asked[2]).toEqual({ labelSelector: "x=y", limit: "500" });
});

test("a watch goes on from the list, asks for bookmarks, and is ended by the server within ten minutes", async () => {
  const { cluster, watch } = scriptedCluster(list("7"));
  await using _reflector = reflectPods(cluster);
  const { query } = await watch(0);
  expect(query).toMatchObject({ labelSelector: "x=y", allowWatchBookmarks: "true", resourceVersion: "7" });
  expect(Number(query.timeoutSeconds)).toBeWithin(300, 601);
});

test("events add, change and remove", async () => {
  const { cluster, watch } = scriptedCluster(list("7", pod("p", "1", "one")));
  await using reflector = reflectPods(cluster);
  const { send } = await watch(0);
  send(event("ADDED", pod("q", "8", "two")), event("MODIFIED", pod("p", "9", "three")));
  await change(reflector);
  expect(Object.fromEntries(reflector.current)).toEqual({ "a/p": "three", "a/q": "two" });
  send(event("DELETED", pod("p", "10", "three")), event("MODIFIED", pod("q", "11", "hidden")));
  await change(reflector);
  expect(reflector.current.size).toBe(0);
});

test("changes of one turn are told once, and what makes no difference is not told", async () => {
  const { cluster, watch } = scriptedCluster(list("7", pod("p", "1", "one")));
  await using reflector = reflectPods(cluster);
  await reflector.synced;
  await turn();
  let told = 0;
  const end = reflector.onChange(() => told++);
  const { send } = await watch(0);
  send(...Array.from({ length: 100 }, (_, n) => event("MODIFIED", pod("p", `${n + 8}`, `v${n}`))));
  await change(reflector);
  expect(told).toBe(1);
  send(event("MODIFIED", pod("p", "200", "v99")), event("DELETED", pod("unknown", "201")));
  send(event("BOOKMARK", { metadata: { resourceVersion: "202" } }));
  await turn();
  await turn();
  expect(told).toBe(1);
  end();
  send(event("MODIFIED", pod("p", "203", "last")));
  await change(reflector);
  expect(told).toBe(1);
});

test("a watch that the server ends is opened again from the last version seen, bookmarks included", async () => {
  const { cluster, asked, watch } = scriptedCluster(list("7"));
  await using reflector = reflectPods(cluster);
  const first = await watch(0);
  first.send(
    event("ADDED", pod("p", "8", "one")),
    event("BOOKMARK", { metadata: { resourceVersion: "20" } }),
  );
  first.close();
  const second = await watch(1);
  expect(second.query.resourceVersion).toBe("20");
  second.send(event("ADDED", pod("q", "21", "two")));
  second.close();
  expect((await watch(2)).query.resourceVersion).toBe("21");
  expect(asked).toHaveLength(1);
  expect(reflector.staleSince).toBeUndefined();
});

test.each<[string, (watch: OpenWatch) => void]>([
  ["in the stream", ({ send }) => send(event("ERROR", { kind: "Status", code: 410, reason: "Expired" }))],
  ["as a status", ({ close }) => close(gone())],
])(
  "410 %s makes the list anew, and what is gone meanwhile goes without an empty moment",
  async (_, expire) => {
    const { cluster, watch } = scriptedCluster(
      list("7", pod("p", "1", "one"), pod("q", "2", "two")),
      list("30", pod("q", "2", "two"), pod("r", "25", "three")),
    );
    await using reflector = reflectPods(cluster);
    const first = await watch(0);
    await turn();
    const sizes: number[] = [];
    reflector.onChange(() => sizes.push(reflector.current.size));
    expire(first);
    expect((await watch(1)).query.resourceVersion).toBe("30");
    await turn();
    expect(sizes).toEqual([2]);
    expect(Object.fromEntries(reflector.current)).toEqual({ "a/q": "two", "a/r": "three" });
  },
);

test("a list made anew that says the same is no change", async () => {
  const { cluster, watch } = scriptedCluster(
    list("7", pod("p", "1", "one")),
    list("9", pod("p", "1", "one")),
  );
  await using reflector = reflectPods(cluster);
  const first = await watch(0);
  await turn();
  let told = 0;
  reflector.onChange(() => told++);
  first.close(gone());
  await watch(1);
  await turn();
  expect(told).toBe(0);
});

test("watches that end at once, several in a row, make the list anew", async () => {
  const { cluster, asked, watch } = scriptedCluster(list("7"), list("8"));
  await using _reflector = reflectPods(cluster);
  for (let number = 0; number < 3; number++) {
    const { query, close } = await watch(number);
    expect(query.resourceVersion).toBe("7");
    close();
  }
  expect((await watch(3)).query.resourceVersion).toBe("8");
  expect(asked).toHaveLength(2);
});

test("a watch that lived, or brought something, is not counted as one that ended at once", async () => {
  const { cluster, asked, watch } = scriptedCluster(list("7"), list("8"));
  await using _reflector = reflectPods(cluster);
  for (let number = 0; number < 6; number++) {
    const { send, close } = await watch(number);
    if (number === 2) send(event("BOOKMARK", { metadata: { resourceVersion: "7" } }));
    close();
  }
  await watch(6);
  expect(asked).toHaveLength(2);
});

test("while the API server is away the last list stays, its age is told, and the log says so once", async () => {
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line) });
  const { cluster, watch, refusals, asked } = scriptedCluster(list("7", pod("p", "1", "one")));
  await using reflector = reflectPods(cluster, {}, log);
  const first = await watch(0);
  const before = Date.now();
  refusals.push(...Array.from({ length: 10 }, away));
  const seen: (number | undefined)[] = [];
  const push = refusals.shift.bind(refusals);
  refusals.shift = () => {
    seen.push(reflector.staleSince);
    expect(reflector.current.size).toBe(1);
    return push();
  };
  first.close(new MicrorunError("unavailable", "cannot reach it: connection reset"));
  const second = await watch(1);
  expect(seen).toHaveLength(11);
  expect(seen.every((since) => since !== undefined && since >= before && since === seen[0])).toBe(true);
  expect(second.query.resourceVersion).toBe("7");
  expect(reflector.staleSince).toBeUndefined();
  expect(asked).toHaveLength(1);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toContain("cannot watch pods in namespace a: cannot reach it: connection reset");
  expect(lines[1]).toContain("pods in namespace a are watched now");
});

test("a silent watch is opened again, and until that is done nothing counts as current", async () => {
  const { cluster, watch, refusals } = scriptedCluster(list("7"));
  await using reflector = reflectPods(cluster, { idleMs: 5, quickMs: 0 });
  const first = await watch(0);
  const since: (number | undefined)[] = [];
  refusals.shift = () => {
    since.push(reflector.staleSince);
    return undefined;
  };
  const second = await watch(1);
  expect(first.signal.aborted).toBe(true);
  expect(since[0]).toBeNumber();
  expect(second.query.resourceVersion).toBe("7");
  expect(reflector.staleSince).toBeUndefined();
});

test("a refused list resolves synced, says what is missing once, and is asked for again", async () => {
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line) });
  const denied = Promise.withResolvers<void>();
  const { cluster, lists, watch } = scriptedCluster(
    ...Array.from({ length: 5 }, () => failing(forbidden)),
    async () => {
      await denied.promise;
      return list("7", pod("p", "1", "one"))({});
    },
  );
  await using reflector = reflectPods(cluster, {}, log);
  await reflector.synced;
  expect(reflector.denied).toMatchObject({ code: "permission_denied", message: "pods is forbidden" });
  expect(reflector.current.size).toBe(0);
  expect(reflector.staleSince).toBeNumber();
  while (lists.length > 0) await turn();
  denied.resolve();
  await watch(0);
  expect(reflector.denied).toBeUndefined();
  expect(reflector.current.size).toBe(1);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/may not list pods in namespace a .*microrun rbac .*kind: Role/s);
});

test("a permission taken away later leaves the last list, and given back brings the present one", async () => {
  const back = Promise.withResolvers<void>();
  const { cluster, watch } = scriptedCluster(
    list("7", pod("p", "1", "one")),
    failing(forbidden),
    async () => {
      await back.promise;
      return list("9", pod("q", "8", "two"))({});
    },
  );
  await using reflector = reflectPods(cluster);
  (await watch(0)).close(forbidden());
  while (reflector.denied === undefined) await turn();
  expect([...reflector.current.keys()]).toEqual(["a/p"]);
  expect(reflector.staleSince).toBeNumber();
  back.resolve();
  await watch(1);
  expect(reflector.denied).toBeUndefined();
  expect([...reflector.current.keys()]).toEqual(["a/q"]);
});

test("who may list but not watch is kept in step by lists, and stays refused", async () => {
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line) });
  const { cluster, refusals, askedTimes } = scriptedCluster(
    list("7", pod("p", "1")),
    list("8", pod("q", "8")),
    list("9", pod("r", "9")),
  );
  refusals.push(...Array.from({ length: 3 }, forbidden));
  await using reflector = reflectPods(cluster, {}, log);
  await askedTimes(4);
  expect([...reflector.current.keys()]).toEqual(["a/r"]);
  expect(reflector.denied).toMatchObject({ code: "permission_denied" });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("may not watch pods in namespace a");
});

test("an object that cannot be pruned is left out, and hides no other", async () => {
  const { cluster, watch } = scriptedCluster(list("7", { metadata: { name: "odd" } }, pod("p", "1", "one")));
  await using reflector = reflectPods(cluster);
  const { send } = await watch(0);
  send(event("ADDED", { metadata: { name: "odd2" } }), event("ADDED", pod("q", "8", "two")));
  await change(reflector);
  expect([...reflector.current.keys()]).toEqual(["a/p", "a/q"]);
});

test("a listener that throws stops neither the others nor the watch", async () => {
  const { cluster, watch } = scriptedCluster(list("7"));
  await using reflector = reflectPods(cluster);
  const { send } = await watch(0);
  reflector.onChange(() => {
    throw new Error("a bug");
  });
  send(event("ADDED", pod("p", "8", "one")));
  await change(reflector);
  send(event("ADDED", pod("q", "9", "two")));
  await change(reflector);
  expect(reflector.current.size).toBe(2);
});

test("disposal ends a watch, a list under way and a wait, and settles synced", async () => {
  const watching = scriptedCluster(list("7"));
  const first = reflectPods(watching.cluster);
  const { signal } = await watching.watch(0);
  await first[Symbol.asyncDispose]();
  expect(signal.aborted).toBe(true);

  const listing = scriptedCluster();
  const second = reflectPods(listing.cluster);
  await listing.askedTimes(1);
  await second[Symbol.asyncDispose]();
  await second.synced;

  const waiting = scriptedCluster(failing(away));
  const third = reflectPods(waiting.cluster, { retryMs: [1e9, 1e9] });
  await waiting.askedTimes(1);
  while (third.staleSince === undefined) await turn();
  await third[Symbol.asyncDispose]();
  await third.synced;
  expect(waiting.asked).toHaveLength(1);
});

test("nobody is told of a change after disposal", async () => {
  const { cluster, watch } = scriptedCluster(list("7"));
  const reflector = reflectPods(cluster);
  let told = 0;
  reflector.onChange(() => told++);
  const { send } = await watch(0);
  send(event("ADDED", pod("p", "8", "one")));
  while (reflector.current.size === 0) await Promise.resolve();
  await reflector[Symbol.asyncDispose]();
  await turn();
  expect(told).toBe(0);
});

test("ten thousand events leave only the objects that are there", async () => {
  const { cluster, watch } = scriptedCluster(list("7"));
  await using reflector = reflectPods(cluster);
  const { send } = await watch(0);
  for (let n = 0; n < 5000; n++) {
    send(
      event("ADDED", pod(`p${n}`, `${n * 2 + 8}`, "x")),
      event("DELETED", pod(`p${n}`, `${n * 2 + 9}`, "x")),
    );
  }
  send(event("ADDED", pod("last", "20000", "x")));
  while (!reflector.current.has("a/last")) await change(reflector);
  expect([...reflector.current.keys()]).toEqual(["a/last"]);
});

test("each list and watch is told with how it went", async () => {
  const heard: unknown[] = [];
  const { cluster, watch } = scriptedCluster(failing(away), list("7"));
  const tell = (verb: string, error: Error | undefined) => heard.push([verb, error?.message]);
  const path = "/api/v1/namespaces/a/pods";
  await using _reflector = reflect<string>({ cluster, path, prune, heard: tell, log: silentLog }, bounds);
  (await watch(0)).close(forbidden());
  while (heard.length < 4) await turn();
  expect(heard).toEqual([
    ["list", away().message],
    ["list", undefined],
    ["watch", undefined],
    ["watch", forbidden().message],
  ]);
});
