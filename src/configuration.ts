/** The configuration of a run: its sources opened, the settings under it, and those that change with it while the service runs. */
import { isAbsence, trackFaults } from "./config/faults.ts";
import { setSource } from "./config/set.ts";
import { type ConfigStore, openConfig } from "./config/store.ts";
import { openSources } from "./config-sources.ts";
import { MicrorunError } from "./errors.ts";
import type { Log, LogSink } from "./log.ts";
import type { Configured, LiveSettings, Settings, Settle } from "./settings.ts";

export { redact, shownKey } from "./config/redaction.ts";
export { holdsSecret, withoutPassword } from "./config/redaction-text.ts";
export { type Shown, shownValues } from "./config/shown.ts";
export type { ConfigStore } from "./config/store.ts";

export interface Configuration extends AsyncDisposable {
  readonly store: ConfigStore;
  /** As they are at the start. */
  readonly settings: Settings;
  /** As they are now. */
  readonly live: LiveSettings;
  /** What is not well, for people: sources, the schema, settings; empty: all is. */
  note(): string;
}

export interface ConfigurationOptions<L extends Log = Log> {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: L;
}

/**
 * @param asked what the command line says alone
 * @throws MicrorunError `invalid_argument` for what cannot be a source, `failed_precondition` for a required one that is not there
 * and for settings that are not what they have to be
 */
export async function openConfiguration(
  asked: Settings,
  settle: Settle,
  options: ConfigurationOptions<LogSink>,
): Promise<Configuration> {
  const { log } = options;
  await using opened = new AsyncDisposableStack();
  const { store, faults } = opened.use(await openStore(asked, options));
  const settings = settle(store.own);
  let { live } = settings;
  log.setLevel(live.logLevel);
  let told: readonly string[] = [];
  const warn = ({ notes = [] }: Settings): void => {
    for (const note of notes) if (!told.includes(note)) log.warn(note);
    told = notes;
  };
  warn(settings);

  const wrong = { name: "settings", title: "settings" };
  const trouble = trackFaults([wrong], log);
  let waiting = "";
  const change = (): void => {
    const next = settled(store.own, settle);
    const isWrong = next instanceof MicrorunError;
    trouble.set(wrong, isWrong ? next : undefined);
    if (!isWrong) {
      live = next.live;
      log.setLevel(live.logLevel);
    }
    trouble.log();
    if (isWrong) return;
    warn(next);
    const before = waiting;
    waiting = changedKeys(settings.fixed, next.fixed).join(", ");
    if (waiting === before) return;
    if (waiting === "") log.warn(`config ${before} is again what it was at the start`);
    else log.warn(`config ${waiting} changed: only a restart takes it`);
  };
  const stop = new AbortController();
  const following = (async () => {
    for await (const _ of store.own.current.changes(stop.signal)) change();
  })();
  opened.defer(async () => {
    stop.abort();
    await following;
  });

  const stack = opened.move();
  return {
    store,
    settings,
    get live() {
      return live;
    },
    note() {
      const faulty = [...faults(), ...trouble.all].map(({ source }) => source);
      return faulty.length === 0 ? "" : `not well: ${faulty.join(", ")}`;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

export interface OpenedStore extends AsyncDisposable {
  readonly store: ConfigStore;
  /** What is wrong now; that a source which need not be there never was is nothing wrong. */
  faults(): ConfigStore["faults"];
}

/**
 * The sources as the command line has them, `--set` last.
 * @throws MicrorunError as `openConfiguration`
 */
export async function openStore(
  { config, mesh }: Pick<Settings, "config" | "mesh">,
  {
    env,
    log,
    lenient = false,
  }: ConfigurationOptions & { /** What is required need not be there. */ readonly lenient?: boolean },
): Promise<OpenedStore> {
  const sources = await openSources(config.sources, { kubernetes: mesh.kubernetes, env, log });
  if (Object.keys(config.set).length > 0) sources.push(setSource(config.set));
  const taken = lenient ? sources.map((source) => ({ ...source, required: false })) : sources;
  const store = await openConfig(taken, { log, waitMs: config.waitMs });
  const optional = new Set(sources.filter((source) => source.optional).map(({ name }) => name));
  return {
    store,
    faults: () =>
      store.faults.filter(({ source, fault, kept }) => kept || !optional.has(source) || !isAbsence(fault)),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

function changedKeys(before: Settings["fixed"], now: Settings["fixed"]): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...keys].filter((key) => before[key] !== now[key]);
}

/** The settings, or why the last good ones stay. */
function settled(configured: Configured, settle: Settle): Settings | MicrorunError {
  try {
    return settle(configured);
  } catch (error) {
    const { message, hint } = MicrorunError.from(error);
    const why = `${message}: the last good settings stay`;
    return new MicrorunError("failed_precondition", why, hint === undefined ? {} : { hint });
  }
}
