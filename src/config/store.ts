/** Watches the sources and holds the latest merged snapshot. */
import { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import { pause } from "../wait.ts";
import { acceptedSchemas } from "./accepted.ts";
import type { Config, ConfigData, ConfigSource, StandardSchema } from "./config.ts";
import { trackFaults } from "./faults.ts";
import { follow, passes } from "./follow.ts";
import { mergeTrees, sameValue } from "./merge.ts";
import { isSecretAt, type Layer, originOf } from "./origin.ts";
import type { Examined } from "./scan.ts";
import { find, parsePath } from "./snapshot.ts";
import { watchers } from "./watchers.ts";

/** How long the first trees are waited for by default, ms. */
export const defaultWaitMs = 3000;
/** How long changes are gathered before they are taken together, ms. */
export const gatherMs = 50;
/** How long sources may take to end, ms. */
export const maxCloseMs = 1000;

export interface StoreOptions {
  readonly log: Log;
  /** How long the first trees are waited for, all at once; then it goes on without those that are not there. @default 3000 */
  readonly waitMs?: number;
}

export interface SourceFault {
  readonly source: string;
  readonly fault: MicrorunError;
  /** Values that it gave earlier still hold. */
  readonly kept: boolean;
}

export interface ConfigStore extends AsyncDisposable {
  /** The present snapshot. */
  readonly current: Config;
  /** The name of the source whose value is held at these keys; of a tree that several have a part in, the last of them. */
  originOf(path: readonly string[]): string | undefined;
  /** Whether what is held at these keys is not to be shown: for its source or its keys; of a tree, when all in it is. */
  isSecret(path: readonly string[]): boolean;
  /** What is wrong now, in the order of the sources, then under `schema` why the sources' present values are not taken. */
  readonly faults: readonly SourceFault[];
  /**
   * Only trees that fit this schema are taken from now on.
   * @throws MicrorunError `invalid_argument` that lists every fault of the present one; `unimplemented` for one that answers later
   */
  accept(schema: StandardSchema): void;
}

/**
 * Later sources win. Resolves when each has given its first tree, or has said why not, or the wait is over.
 * @throws MicrorunError `failed_precondition` when a required source is not there, or not well
 */
export async function openConfig(
  sources: readonly ConfigSource[],
  { log, waitMs = defaultWaitMs }: StoreOptions,
): Promise<ConfigStore> {
  const stop = new AbortController();
  const schemaFault = { name: "schema", title: "config" };
  const trees = new Map<ConfigSource, ConfigData>();
  const held = (): ReadonlySet<string> =>
    new Set([...trees].flatMap(([{ name }, tree]) => (Object.keys(tree).length > 0 ? [name] : [])));
  const faults = trackFaults([...sources, schemaFault], log, ({ name }) => held().has(name));
  const accepted = acceptedSchemas(log);
  const told = watchers(() => current.config, stop.signal, log);
  let current = snapshot([]);
  let gathering: ReturnType<typeof setTimeout> | undefined;
  let open = false;

  function snapshot(layers: readonly Layer[]): { config: Config; examined: Examined } {
    const data = mergeTrees(layers.map(({ tree }) => tree));
    const examined: Examined = {
      data,
      isSecret: (keys) => isSecretAt(layers, data, keys),
      originOf: (keys) => originOf(layers, keys)?.name,
    };
    const config: Config = {
      get: (...args) => lookup(data, args),
      data,
      scan: (schema, path) => accepted.scan(examined, schema, path),
      changes: told.changes,
      watch: (path, changed) => told.watch(config, path, changed),
    };
    return { config, examined };
  }

  function settle(): void {
    const next = snapshot(
      sources.flatMap((source) => {
        const tree = trees.get(source);
        return tree === undefined ? [] : [{ source, tree }];
      }),
    );
    if (sameValue(next.config.data, current.config.data)) {
      // the same values, though not always from the same sources
      current = { ...next, config: current.config };
      faults.set(schemaFault, undefined);
      return;
    }
    const refusal = accepted.refuse(next.examined);
    faults.set(schemaFault, refusal);
    if (refusal !== undefined) return;
    current = next;
    told.notify();
  }

  /** Changes and faults come in bursts: the first of them sets the time at which all are looked at. */
  function gather(): void {
    if (!open) return;
    gathering ??= setTimeout(() => {
      gathering = undefined;
      settle();
      faults.log();
    }, gatherMs);
  }

  async function close(): Promise<void> {
    stop.abort();
    clearTimeout(gathering);
    open = false;
    await atMost(
      maxCloseMs,
      followed.map(({ done }) => done),
    );
  }

  const followed = sources.map((source) =>
    follow(source, {
      signal: stop.signal,
      take(tree) {
        const before = trees.get(source);
        trees.set(source, tree);
        if (before === undefined || !sameValue(before, tree)) gather();
      },
      tell(fault) {
        if (faults.of(source) === fault) return;
        faults.set(source, fault);
        gather();
      },
    }),
  );
  await atMost(
    waitMs,
    followed.map(({ first }) => first),
  );

  for (const source of sources) {
    if (trees.has(source) || faults.of(source) !== undefined) continue;
    const late = `no answer within ${waitMs} ms`;
    const rest = source.required ? "" : ": going on without it";
    faults.set(source, new MicrorunError("deadline_exceeded", late + rest));
  }
  const missing = sources.flatMap((source) => {
    const fault = source.required ? faults.of(source) : undefined;
    return fault === undefined || (trees.has(source) && passes(fault)) ? [] : [{ source, fault }];
  });
  if (missing.length > 0) {
    await close();
    throw notThere(missing);
  }
  settle();
  faults.log();
  open = true;

  return {
    get current() {
      return current.config;
    },
    originOf: (path) => current.examined.originOf(path),
    isSecret: (path) => current.examined.isSecret(path),
    get faults() {
      const kept = held();
      return faults.all.map((one) => ({ ...one, kept: kept.has(one.source) }));
    },
    accept: (schema) => void current.config.scan(schema),
    [Symbol.asyncDispose]: close,
  };
}

function notThere(missing: readonly { source: ConfigSource; fault: MicrorunError }[]): MicrorunError {
  const messages = missing.map(({ source, fault }) => `config source ${source.name}: ${fault.message}`);
  const hint = missing.find(({ fault }) => fault.hint !== undefined)?.fault.hint;
  const cause = missing[0]?.fault;
  return new MicrorunError("failed_precondition", messages.join("; "), {
    ...(hint === undefined ? {} : { hint }),
    cause,
  });
}

/** Until all have settled, and no longer than that. */
async function atMost(ms: number, all: readonly Promise<unknown>[]): Promise<void> {
  const over = new AbortController();
  const settled = Promise.all(all).finally(() => over.abort());
  await Promise.race([settled, pause(ms, over.signal)]);
}

// biome-ignore lint/suspicious/noExplicitAny: as in Config.get
function lookup(data: ConfigData, args: readonly unknown[]): any {
  const { path, fallback } = parsePath(args);
  return find(data, path) ?? fallback;
}
