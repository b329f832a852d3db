/** Configuration as one tree of values, merged from sources; each snapshot is whole and never changes. */
import type { MicrorunError } from "../errors.ts";

export type ConfigValue =
  | string
  | number
  | boolean
  | null
  | readonly ConfigValue[]
  | { readonly [key: string]: ConfigValue };

/** One source's tree. Its objects have no prototype, so that no key means anything but itself. */
export type ConfigData = { readonly [key: string]: ConfigValue };

export interface ConfigSource {
  /** As on the command line: `env:APP`, `file:./config.yaml`, `configmap://default/micro`. */
  readonly name: string;
  /** Its values are never shown. @default false */
  readonly secret?: boolean;
  /** A start without it fails. @default false */
  readonly required?: boolean;
  /** That it is not there, or may not be read, is nothing to warn of. @default false */
  readonly optional?: boolean;
  /** Its keys were named by others, for other ends: no setting of the runtime's is read from it. @default false */
  readonly foreign?: boolean;
  /**
   * Whole trees, the first as soon as it is known (an empty one where the source is not there), then one each time something
   * changed, until aborted. What cannot be read, or not be understood, yields nothing: what was given last holds.
   * @param tell what is wrong now, naming key and line; undefined: all is well again
   * @param leaveOut names of the entries that the trees from now on are without, since they are no text: nothing is wrong with that
   */
  watch(
    signal: AbortSignal,
    tell: (fault: MicrorunError | undefined) => void,
    leaveOut?: (entries: readonly string[]) => void,
  ): AsyncIterable<ConfigData>;
}

/** What validators such as zod, valibot and arktype have in common (standardschema.dev, version 1). */
export interface StandardSchema<Output = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

export interface Config {
  /**
   * `get("mongodb", "host")`, `get("mongodb.host")`, or with a fallback `get("mongodb.host", "localhost")`.
   * A last argument that is no string is the fallback, and so is the second of two when the first holds a dot.
   * @returns the value, the fallback, or undefined
   */
  // biome-ignore lint/suspicious/noExplicitAny: the caller names the type it expects
  get<T = any>(...path: readonly unknown[]): T;
  /** The tree itself. */
  readonly data: ConfigData;
  /**
   * The tree, or what is at `path` in it, as the schema has it: `scan(z.object({ mongodb: z.object({ host: z.string() }) }))`.
   * From then on a change that the schema refuses is not taken: the last good tree stays.
   * @returns made once for each snapshot and the same for all who ask, so that its plain objects and arrays are frozen
   * @throws Error that lists every fault, or says that the schema answers later (a Promise). It is no MicrorunError: a caller
   * is told `internal`, the log the rest
   */
  scan<Output>(schema: StandardSchema<Output>, path?: string): Output;
  /** Snapshots from now on, the present one first, until aborted. */
  changes(signal: AbortSignal): AsyncIterable<Config>;
  /** Calls back each time the value at `path` has changed; returns what ends that. */
  // biome-ignore lint/suspicious/noExplicitAny: as in get
  watch<T = any>(path: string, changed: (value: T) => void): () => void;
}
