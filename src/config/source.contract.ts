/** What every source of configuration must do. */
import { expect, test } from "bun:test";
import type { MicrorunError } from "../errors.ts";
import type { ConfigData, ConfigSource } from "./config.ts";

type Values = Readonly<Record<string, string>>;

/** A source, and hands on what it reads. */
export interface SourceStage extends AsyncDisposable {
  readonly source: ConfigSource;
  /** From now on the medium holds these and nothing else, and is well. Absent: it never changes. */
  readonly set?: (values: Values) => Promise<void>;
  /** From now on the medium cannot be read, or not be understood. Absent: that cannot be. */
  readonly spoil?: () => Promise<void>;
}

export interface SourceContractOptions {
  /** The tree that the values should give. @default the values themselves */
  readonly treeOf?: (values: Values) => ConfigData;
  /** Names that mean something to JavaScript, and nothing to a source. @default `__proto__`, constructor, toString */
  readonly oddNames?: readonly string[];
  /** In this time a source has seen a change, ms: an event that should not be would come by then. @default 20 */
  readonly noticeMs?: number;
  /** How long one test may take, ms. @default 10,000 */
  readonly timeoutMs?: number;
}

/** @param make a source on a medium of its own, which holds these values */
export function sourceContract(
  name: string,
  make: (values: Values) => Promise<SourceStage>,
  options: SourceContractOptions = {},
): void {
  const { treeOf = (values) => values, noticeMs = 20, timeoutMs = 10_000 } = options;
  const { oddNames = ["__proto__", "constructor", "toString"] } = options;
  const each = (title: string, body: () => Promise<void>): void => test(`${name}: ${title}`, body, timeoutMs);

  each("the first tree is given at once", async () => {
    await using stage = await make({ host: "one", port: "b" });
    await using watch = watching(stage.source);
    expect(plain(await watch.next())).toEqual(plain(treeOf({ host: "one", port: "b" })));
  });

  each("each watch has the first tree of its own", async () => {
    await using stage = await make({ host: "one" });
    await using one = watching(stage.source);
    await one.next();
    await using other = watching(stage.source);
    expect(plain(await other.next())).toEqual(plain(treeOf({ host: "one" })));
  });

  each("an abort ends a watch that waits, and one before the start lets nothing wait", async () => {
    await using stage = await make({ host: "one" });
    const watch = watching(stage.source);
    await watch.next();
    const waiting = watch.next();
    watch.stop();
    expect(await waiting).toBeUndefined();
    const late = watching(stage.source, AbortSignal.abort());
    await late.next();
    expect(await late.next()).toBeUndefined();
  });

  each("no name reaches a prototype", async () => {
    const values = Object.fromEntries(oddNames.map((odd) => [odd, "x"]));
    await using stage = await make(values);
    await using watch = watching(stage.source);
    const tree = await watch.next();
    expect(JSON.stringify(tree, sorted)).toBe(JSON.stringify(treeOf(values), sorted));
    expect(prototypes(tree)).toEqual([null]);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  each("a change is seen, and what is equal makes no event", async () => {
    await using stage = await make({ host: "one", port: "b" });
    if (stage.set === undefined) return;
    await using watch = watching(stage.source);
    await watch.next();
    const next = watch.next();
    await stage.set({ port: "b", host: "one" });
    await Bun.sleep(noticeMs);
    await stage.set({ host: "two", port: "b" });
    expect(plain(await next)).toEqual(plain(treeOf({ host: "two", port: "b" })));
    await stage.set({ host: "two" });
    expect(plain(await watch.next())).toEqual(plain(treeOf({ host: "two" })));
  });

  each("of a burst of changes the last is seen", async () => {
    await using stage = await make({ host: "0" });
    if (stage.set === undefined) return;
    await using watch = watching(stage.source);
    await watch.next();
    for (let change = 1; change <= 20; change++) await stage.set({ host: `v${change}` });
    await watch.until(treeOf({ host: "v20" }));
  });

  each("a fault is told, the last tree holds, and its end is told", async () => {
    await using stage = await make({ host: "one" });
    if (stage.set === undefined || stage.spoil === undefined) return;
    await using watch = watching(stage.source);
    await watch.next();
    await stage.spoil();
    expect((await watch.fault(true))?.message).toMatch(/\S/);
    await stage.set({ host: "two" });
    expect(plain(await watch.next())).toEqual(plain(treeOf({ host: "two" })));
    expect(await watch.fault(false)).toBeUndefined();
  });

  each("what was well again without a change makes no event", async () => {
    await using stage = await make({ host: "one" });
    if (stage.set === undefined || stage.spoil === undefined) return;
    await using watch = watching(stage.source);
    await watch.next();
    await stage.spoil();
    await watch.fault(true);
    await stage.set({ host: "one" });
    await watch.fault(false);
    await Bun.sleep(noticeMs);
    await stage.set({ host: "two" });
    expect(plain(await watch.next())).toEqual(plain(treeOf({ host: "two" })));
  });
}

interface Watching extends AsyncDisposable {
  /** The next tree; undefined at the end. */
  next(): Promise<ConfigData | undefined>;
  /** Reads on to this tree. */
  until(tree: ConfigData): Promise<void>;
  /** Waits until a fault stands, or none does. Trees are read meanwhile, and kept for `next`. */
  fault(stands: boolean): Promise<MicrorunError | undefined>;
  stop(): void;
}

function watching(source: ConfigSource, from?: AbortSignal): Watching {
  const stop = new AbortController();
  const signal = from ?? stop.signal;
  let fault: MicrorunError | undefined;
  let told = Promise.withResolvers<void>();
  const trees = source
    .watch(signal, (now) => {
      fault = now;
      told.resolve();
      told = Promise.withResolvers();
    })
    [Symbol.asyncIterator]();
  let pending: Promise<ConfigData | undefined> | undefined;
  // a source may look for what has changed only while its next tree is asked for
  const ask = (): Promise<ConfigData | undefined> => {
    pending ??= trees.next().then(({ done, value }) => (done ? undefined : value));
    return pending;
  };
  const next = async (): Promise<ConfigData | undefined> => {
    const tree = await ask();
    pending = undefined;
    return tree;
  };
  return {
    next,
    async until(wanted) {
      for (;;) {
        const tree = await next();
        if (tree === undefined) throw new Error("the watch ended before the tree came");
        if (Bun.deepEquals(plain(tree), plain(wanted))) return;
      }
    },
    async fault(stands) {
      while ((fault !== undefined) !== stands) {
        ask().catch(() => {});
        await told.promise;
      }
      return fault;
    },
    stop: () => stop.abort(),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await pending;
      await trees.return?.();
    },
  };
}

function plain(tree: ConfigData | undefined): unknown {
  return tree === undefined ? undefined : JSON.parse(JSON.stringify(tree));
}

/** For JSON.stringify: `__proto__` as a key is lost in a plain object, and in no list. */
function sorted(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
}

function prototypes(value: unknown): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return [...new Set(value.flatMap(prototypes))];
  return [...new Set([Object.getPrototypeOf(value), ...Object.values(value).flatMap(prototypes)])];
}
