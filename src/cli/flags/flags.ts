/** What a flag is: one entry of a table that the parse, `--help` and docs/flags.md are all made from. */
import { brokers, registries, selectors, transports } from "../../plugins.ts";

/** How the text of a flag becomes a value. */
export type FlagType =
  | "text"
  /** A whole number. */
  | "integer"
  /** A whole number, or `auto`. */
  | "count"
  /** A switch: `--watch`, `--no-watch`, `--watch=false`. */
  | "boolean"
  /** Go's way: `5s`, `1m30s`, `100ms`; the value is milliseconds. */
  | "duration"
  /** A duration where a bare number counts seconds; the value is milliseconds. */
  | "seconds"
  /** `4MiB`, `1MB`, `4096`; the value is bytes. */
  | "size"
  /** `host:port`, `:port`, `unix:/path`. */
  | "address"
  /** Separated by commas, or the flag repeated. */
  | "list"
  | "addresses"
  /** Of configuration, the flag repeated; separated by commas where the next begins with its scheme. */
  | "sources"
  /** Origins of web pages: `https://shop.example`, `*`. */
  | "origins"
  /** Names of HTTP methods or fields. */
  | "tokens"
  /** `key=value`, the flag repeated; in a variable separated by commas. */
  | "pairs"
  | "choice";

export interface Flag {
  readonly type: FlagType;
  /** One sentence. */
  readonly about: string;
  /** A value as one would write it. */
  readonly example: string;
  /** As one would write it. */
  readonly default?: string;
  /** The default where KUBERNETES_SERVICE_HOST is set. */
  readonly inCluster?: string;
  /** What holds without a value, in words, where that is no fixed text. */
  readonly otherwise?: string;
  /** Its environment variable; false: none. @default `MICRO_` and the name in upper case */
  readonly variable?: false | `MICRO_${string}`;
  /** The least value of a number, duration or size. @default 0 */
  readonly min?: number;
  /** One letter that stands for it: `o` for `-o`. @default none */
  readonly short?: string;
  /** The values of a choice, or whose names they are. */
  readonly of?: keyof typeof pluginKinds | readonly string[];
  /** Needs the module's source, which an executable of a service has not. @default false */
  readonly fromSource?: true;
  /** Taken because Go Micro has it: its other values mean nothing here. */
  readonly compatible?: true;
}

/** Flags by name, underscores inside. */
export type FlagTable = Readonly<Record<string, Flag>>;

/** Flags that `--help` and the docs show together. */
export interface FlagGroup {
  readonly title: string;
  readonly flags: FlagTable;
}

/** Types whose value is a list of texts. */
export type ListType = "list" | "addresses" | "sources" | "origins" | "tokens";

type ValueOf<T extends FlagType> = T extends "integer" | "duration" | "seconds" | "size"
  ? number
  : T extends "count"
    ? number | "auto"
    : T extends "boolean"
      ? boolean
      : T extends ListType
        ? readonly string[]
        : T extends "pairs"
          ? Readonly<Record<string, string>>
          : string;

/** Types whose value without a word is empty, not missing. */
type NeverMissing = "boolean" | ListType | "pairs";

/** The values of a table's flags. */
export type Values<T extends FlagTable> = {
  readonly [K in keyof T]: T[K] extends { default: string } | { type: NeverMissing }
    ? ValueOf<T[K]["type"]>
    : ValueOf<T[K]["type"]> | undefined;
};

const pluginKinds: Readonly<Record<"registry" | "selector" | "broker" | "transport", object>> = {
  registry: registries,
  selector: selectors,
  broker: brokers,
  transport: transports,
};

/** What a choice may be; empty for other flags. */
export function choicesOf({ of = [] }: Flag): readonly string[] {
  return typeof of === "string" ? Object.keys(pluginKinds[of]) : of;
}

/** The environment variable of a flag, if it has one. */
export function variableOf(name: string, flag: Flag): string | undefined {
  return flag.variable === false ? undefined : (flag.variable ?? `MICRO_${name.toUpperCase()}`);
}

/** What holds when nothing is said, for people. */
export function defaultText(flag: Flag): string {
  const inCluster = flag.inCluster === undefined ? "" : ` (in a cluster ${flag.inCluster})`;
  return `${flag.default ?? flag.otherwise ?? ""}${inCluster}`;
}

/** All flags of some groups as one table. */
export function flagsOf(groups: readonly FlagGroup[]): FlagTable {
  return Object.assign({}, ...groups.map(({ flags }) => flags));
}
