/** Configuration as one tree of values, merged from sources; each snapshot is whole and never changes. */

export type ConfigValue =
  | string
  | number
  | boolean
  | null
  | readonly ConfigValue[]
  | { readonly [key: string]: ConfigValue };

/** One source's tree. */
export type ConfigData = { readonly [key: string]: ConfigValue };

export interface ConfigSource {
  /** `env:`, `file:./config.yaml` */
  readonly name: string;
  /** Whole trees, the first at once, each time it changed, until aborted. */
  watch(signal: AbortSignal): AsyncIterable<ConfigData>;
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
  /** Snapshots from now on, the present one first, until aborted. */
  changes(signal: AbortSignal): AsyncIterable<Config>;
}
