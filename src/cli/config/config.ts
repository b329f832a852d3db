/** `microrun config`: the configuration that a run here would have, with the source of each value; checked; watched. */
import { existsSync } from "node:fs";
import { type ConfigStore, type OpenedStore, openStore, redact, shownValues } from "../../configuration.ts";
import { didYouMean, MicrorunError, usageError } from "../../errors.ts";
import { type Log, silentLog } from "../../log.ts";
import { yamlText } from "../../yaml.ts";
import type { Input } from "../command/command.ts";
import { readConfigured } from "../command/configured.ts";
import { stopSignal, toolLog } from "../command/discovery.ts";
import { jsonText, plain } from "../command/output.ts";
import { readSettings } from "../command/settings.ts";
import { configOutputFlags } from "../flags/tool-flags.ts";
import { readFlags } from "../flags/values.ts";
import { changesOf, shownLine } from "./config-values.ts";

/** What is to be said of a source: what is not as it has to be, or what is left out of it. */
export interface Told {
  readonly source: string;
  readonly message: string;
}

const actions = ["check", "watch"];

export async function start(input: Input): Promise<number> {
  const { words, given, env, built } = input;
  const { output } = readFlags(configOutputFlags, given, env);
  const action = actions.find((name) => name === words[0]);
  const [named, extra] = action === undefined ? words : words.slice(1);
  const mayName = named === undefined || (built === undefined && isModule(named));
  const wrong = extra ?? (mayName ? undefined : named);
  const of = built === undefined ? " [module]" : "";
  if (wrong !== undefined)
    throw usageError(
      `config: unexpected ${wrong}${didYouMean(wrong, actions)}`,
      `write microrun config${of}, microrun config check${of} or microrun config watch${of}`,
    );
  const module = built?.module ?? named;
  if (action !== undefined && output === "yaml")
    throw usageError(`--output=yaml: config ${action} writes text or JSON`, "use --output=json");
  if (action === "check") return check(input, module, output === "json");
  const log = toolLog(env);
  await using configuration = await opened(input, log);
  const { store } = configuration;
  for (const { source, message } of notesOf(store)) log.warn(`config source ${source}: ${message}`);
  const misfits = await schemaFaults(input, module, store);
  for (const line of misfits.map(toldLine)) log.warn(line.trimEnd());
  if (action === "watch") return await watch(store, output === "json");
  process.stdout.write(treeText(configuration, misfits, output));
  return 0;
}

function opened({ given, env, rest }: Input, log: Log, lenient = false): Promise<OpenedStore> {
  return openStore(readSettings("", { given, env, rest }), { env, log, lenient });
}

function treeText({ store, faults }: OpenedStore, misfits: readonly Told[], output: string): string {
  const values = shownValues(store);
  if (output === "text") return values.map((value) => `${shownLine(value)}\n`).join("");
  const sources = Object.fromEntries(values.map(({ key, source }) => [key, source]));
  const config = redact(store.current.data, store.isSecret);
  const all = { config, sources, faults: [...faults().map(faultOf), ...misfits], notes: notesOf(store) };
  return output === "json" ? jsonText(all) : yamlText(all);
}

function notesOf({ notes }: ConfigStore): Told[] {
  return notes.map(({ source, note }) => ({ source, message: note }));
}

function faultOf({ source, fault }: { source: string; fault: MicrorunError }): Told {
  const hint = fault.hint === undefined ? "" : ` (${fault.hint})`;
  return { source, message: fault.message + hint };
}

async function check(input: Input, module: string | undefined, asJson: boolean): Promise<number> {
  await using configuration = await opened(input, silentLog, true);
  const { faults, notes } = await checked(input, module, configuration);
  const ok = faults.length === 0;
  if (asJson) process.stdout.write(jsonText({ ok, faults, notes }));
  else process.stdout.write([...faults, ...notes].map(toldLine).join("") + (ok ? "ok\n" : ""));
  return ok ? 0 : 1;
}

export interface Checked {
  readonly faults: readonly Told[];
  readonly notes: readonly Told[];
}

/** Every fault at once: of the sources, of the settings that they hold, against the module's schema. */
export async function checked(
  input: Input,
  module: string | undefined,
  configuration: OpenedStore,
): Promise<Checked> {
  const { given, env } = input;
  const { store } = configuration;
  const own = readConfigured(store.own, given, env);
  const notes = [...notesOf(store), ...own.notes.map((message) => ({ source: "settings", message }))];
  const faults: Told[] = [
    ...configuration.faults().map(faultOf),
    ...own.faults.map((fault) => faultOf({ source: "settings", fault })),
    ...(await schemaFaults(input, module, store)),
  ];
  return { faults, notes };
}

/** A slip in a word must not be taken for one. */
function isModule(word: string): boolean {
  return /[./\\]/.test(word) || existsSync(word);
}

function toldLine({ source, message }: Told): string {
  return `${plain(source)}: ${plain(message)}\n`;
}

/** From now on the store takes what fits the module's schema alone, if it fits now. */
async function schemaFaults(
  { given, env, rest }: Input,
  module: string | undefined,
  store: ConfigStore,
): Promise<Told[]> {
  if (module === undefined) return [];
  const { definitionOf } = await import("../../run.ts");
  const { config } = await definitionOf(readSettings(module, { given, env, rest }), toolLog(env));
  if (config === undefined) return [];
  try {
    await store.accept(config);
    return [];
  } catch (error) {
    return MicrorunError.from(error)
      .message.replace(/^config does not fit its schema:\s*/, "")
      .split("\n  ")
      .map((message) => ({ source: "schema", message }));
  }
}

/** A line for each value that changed, until stopped. */
async function watch(store: ConfigStore, asJson: boolean): Promise<number> {
  let before = shownValues(store);
  for await (const _ of store.current.changes(stopSignal())) {
    const now = shownValues(store);
    for (const { action, value } of changesOf(before, now)) {
      const time = new Date().toISOString();
      const { key, value: text, source } = value;
      process.stdout.write(
        asJson
          ? `${JSON.stringify({ time, action, key, value: text, source })}\n`
          : `${time}\t${action}\t${shownLine(value)}\n`,
      );
    }
    before = now;
  }
  return 0;
}
