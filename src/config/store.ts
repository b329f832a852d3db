/** Watches the sources and holds the latest merged snapshot. */
import { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import { pause } from "../wait.ts";
import { acceptedSchemas } from "./accepted.ts";
import type { ConfigData, ConfigSource, StandardSchema } from "./config.ts";
import { trackFaults } from "./faults.ts";
import { follow, passes } from "./follow.ts";
import { sameValue } from "./merge.ts";
import { type SourceNote, trackNotes } from "./notes.ts";
import type { Layer } from "./origin.ts";
import { createView, type View } from "./view.ts";

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

export interface ConfigStore extends View, AsyncDisposable {
  /** The same without the sources that are foreign: what the runtime reads its own settings from. */
  readonly own: View;
  /** What is wrong now, in the order of the sources, then under `schema` why the sources' present values are not taken. */
  readonly faults: readonly SourceFault[];
  /** What is left out of the sources' trees though nothing is wrong with them, in their order. */
  readonly notes: readonly SourceNote[];
  /**
   * Only trees that fit this schema are taken from now on.
   * @throws MicrorunError `failed_precondition` that lists every fault of the present one; `unimplemented` for one that answers later
   */
  accept(schema: StandardSchema): Promise<void>;
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
  const notes = trackNotes(sources, log);
  const accepted = acceptedSchemas(log);
  const whole = createView({ accepted, closed: stop.signal, log });
  const own = createView({ accepted, closed: stop.signal, log });
  let gathering: ReturnType<typeof setTimeout> | undefined;
  let open = false;

  function settle(): void {
    const layers = sources.flatMap((source): Layer[] => {
      const tree = trees.get(source);
      return tree === undefined ? [] : [{ source, tree }];
    });
    const refusal = whole.take(layers, accepted.refuse);
    faults.set(schemaFault, refusal);
    if (refusal === undefined) own.take(layers.filter(({ source }) => !source.foreign));
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
      leaveOut: (entries) => notes.set(source, entries),
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
      return whole.current;
    },
    live: whole.live,
    originOf: whole.originOf,
    isSecret: whole.isSecret,
    own,
    get faults() {
      const kept = held();
      return faults.all.map((one) => ({ ...one, kept: kept.has(one.source) }));
    },
    get notes() {
      return notes.all;
    },
    accept: whole.accept,
    [Symbol.asyncDispose]: close,
  };
}

function notThere(missing: readonly { source: ConfigSource; fault: MicrorunError }[]): MicrorunError {
  const messages = missing.map(({ source, fault }) => `config source ${source.name}: ${fault.message}`);
  const cause = missing[0]!.fault;
  const hint = missing.find(({ fault }) => fault.hint !== undefined)?.fault.hint ?? orderFor(cause);
  return new MicrorunError("failed_precondition", messages.join("; "), { hint, cause });
}

function orderFor(fault: MicrorunError): string {
  const reach = passes(fault) ? "see that it can be reached" : "set it right";
  return `${fault.code === "not_found" ? "create it" : reach}, or take ?required away`;
}

/** Until all have settled, and no longer than that. */
async function atMost(ms: number, all: readonly Promise<unknown>[]): Promise<void> {
  const over = new AbortController();
  const settled = Promise.all(all).finally(() => over.abort());
  await Promise.race([settled, pause(ms, over.signal)]);
}
