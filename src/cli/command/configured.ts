/** The settings that configuration may say too: each key stands for a flag, and counts where neither that nor its variable is given. */
import { holdsSecret } from "../../configuration.ts";
import { MicrorunError } from "../../errors.ts";
import type { Configured } from "../../settings.ts";
import { discoveryFlags } from "../flags/discovery-flags.ts";
import type { Flag, FlagTable } from "../flags/flags.ts";
import { clientFlags, logFlags, portFlags } from "../flags/run-flags.ts";
import { servingFlags } from "../flags/serving-flags.ts";
import {
  type Environment,
  type FromConfig,
  type Given,
  isTaken,
  readFlags,
  type Said,
} from "../flags/values.ts";

export interface OwnKey {
  readonly key: string;
  readonly flag: string;
  /** It changes while the service runs. */
  readonly live: boolean;
  /** Other names of values. */
  readonly names?: Readonly<Record<string, string>>;
}

const addressKeys = ["server.grpc.addr", "server.http.addr"] as const;

/** In the order of the docs. */
export const ownKeys: readonly OwnKey[] = [
  { key: "server.grpc.addr", flag: "grpc_address", live: false },
  { key: "server.http.addr", flag: "http_address", live: false },
  { key: "server.grpc.timeout", flag: "grpc_timeout", live: true },
  { key: "server.http.timeout", flag: "http_timeout", live: true },
  { key: "server.http.origins", flag: "cors_origins", live: true },
  { key: "server.http.methods", flag: "cors_methods", live: true },
  { key: "server.http.headers", flag: "cors_headers", live: true },
  { key: "client.grpc.timeout", flag: "client_request_timeout", live: true },
  { key: "registry.type", flag: "registry", live: false, names: { k8s: "kubernetes" } },
  { key: "log.level", flag: "log_level", live: true },
];

const table: FlagTable = { ...portFlags, ...servingFlags, ...clientFlags, ...discoveryFlags, ...logFlags };

export interface Found {
  readonly fromConfig: FromConfig;
  /** The texts of keys that only a start takes. */
  readonly fixed: Readonly<Record<string, string>>;
  readonly faults: readonly MicrorunError[];
  /** Of values where the keys of settings are looked for: they may be the module's own, and so are no fault. */
  readonly notes: readonly string[];
}

interface KeyText {
  readonly key: string;
  readonly flag: string;
  readonly live: boolean;
  readonly text: string;
}

/** What configuration says of settings, each checked by itself. */
export function readConfigured(configured: Configured, given: Given, env: Environment): Found {
  const asked = ownKeys.filter(
    ({ key, flag }) => !(taken(flag) || (isAddress(key) && taken("server_address"))),
  );
  const faults: MicrorunError[] = [];
  const notes = treesAbove(asked).flatMap((path) => valueNote(path, configured));
  const said = ownKeys.flatMap((own): KeyText[] => {
    const path = own.key.split(".");
    const origin = configured.originOf(path);
    if (origin === undefined) return [];
    const text = textOf(configured.current.get(...path));
    if (text === undefined && asked.includes(own))
      faults.push(fault(own.key, "neither a text nor a list of texts", `look at ${origin}`));
    return text ? [{ ...own, text: own.names?.[text] ?? text }] : [];
  });
  const free = settledAddresses(said, taken("server_address")).filter(({ flag }) => !taken(flag));
  const fromConfig = new Map<string, Said>();
  for (const { key, flag, text } of free) {
    const secret = configured.isSecret(key.split(".")) || holdsSecret(text);
    const entry: Said = {
      source: `config ${key}`,
      text,
      label: secret ? `config ${key}` : `config ${key}: ${text}`,
    };
    const wrong = check(flag, entry);
    if (wrong === undefined) fromConfig.set(flag, entry);
    else faults.push(secret ? fault(key, "not what it has to be", wrong.hint) : wrong);
  }
  const fixed = Object.fromEntries(free.filter(({ live }) => !live).map(({ key, text }) => [key, text]));
  return { fromConfig, fixed, faults, notes };

  function taken(flag: string): boolean {
    return isTaken(flag, table[flag] as Flag, given, env);
  }
}

function isAddress(key: string): boolean {
  return addressKeys.some((own) => own === key);
}

/** What lies above the keys, with the first of them: `server`, `server.grpc`. */
function treesAbove(keys: readonly OwnKey[]): [path: string[], key: string][] {
  const trees = new Map<string, [string[], string]>();
  for (const { key } of keys) {
    const words = key.split(".");
    for (let count = 1; count < words.length; count++) {
      const path = words.slice(0, count);
      if (!trees.has(path.join("."))) trees.set(path.join("."), [path, key]);
    }
  }
  return [...trees.values()];
}

/** `log: debug` would be a setting that nobody reads. */
function valueNote([path, key]: [path: string[], key: string], configured: Configured): string[] {
  const value: unknown = configured.current.get(...path);
  const isTree = typeof value === "object" && !Array.isArray(value);
  if (isTree || textOf(value) === "") return [];
  const place = configured.originOf(path);
  const where = place === undefined ? "" : ` in ${place}`;
  return [`config ${path.join(".")}${where} is a value: a setting would be ${key}`];
}

/** One address, or two that are alike, is where all is served; two that differ are ports apart. */
function settledAddresses(said: readonly KeyText[], taken: boolean): readonly KeyText[] {
  const addresses = said.filter(({ key }) => isAddress(key));
  const others = said.filter((one) => !addresses.includes(one));
  const [first, second] = addresses;
  if (taken || first === undefined) return others;
  if (second !== undefined && place(first.text) !== place(second.text)) return said;
  return [{ ...first, flag: "server_address" }, ...others];
}

/** On all interfaces, however that is written. */
function place(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\])(?=:)/, "");
}

function check(flag: string, said: Said): MicrorunError | undefined {
  try {
    readFlags({ [flag]: table[flag] as Flag }, new Map(), {}, new Map([[flag, said]]));
    return undefined;
  } catch (error) {
    const { message, hint } = MicrorunError.from(error);
    return new MicrorunError("failed_precondition", message, hint === undefined ? {} : { hint });
  }
}

/** Empty, like a variable: not said. */
function textOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) {
    const texts = value.map(textOf);
    return texts.includes(undefined) ? undefined : texts.join(",");
  }
  return typeof value === "object" ? undefined : String(value);
}

function fault(key: string, why: string, hint: string | undefined): MicrorunError {
  const message = `config ${key}: ${why}`;
  return new MicrorunError("failed_precondition", message, hint === undefined ? {} : { hint });
}
