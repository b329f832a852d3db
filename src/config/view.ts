/** What some of the sources make together: the latest merged snapshot, what is known of its values, and who is told of the next. */
import { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Accepted } from "./accepted.ts";
import type { Config, StandardSchema } from "./config.ts";
import { mergeTrees, sameValue } from "./merge.ts";
import { isSecretAt, type Layer, originOf } from "./origin.ts";
import type { Examined } from "./scan.ts";
import { find, parsePath } from "./snapshot.ts";
import { watchers } from "./watchers.ts";

export interface View {
  /** The present snapshot. */
  readonly current: Config;
  /** Whatever is the present snapshot when it is looked at. */
  readonly live: Config;
  /** The name of the source whose value is held at these keys; of a tree that several have a part in, the last of them. */
  originOf(path: readonly string[]): string | undefined;
  /** Whether what is held at these keys is not to be shown: for its source or its keys; of a tree, when all in it is. */
  isSecret(path: readonly string[]): boolean;
}

export interface HeldView extends View {
  /** From now on it is made of these. @param refuse asked where their tree is another @returns why not: all is as it was */
  take(layers: readonly Layer[], refuse?: Accepted["refuse"]): MicrorunError | undefined;
  /** @throws MicrorunError as `ConfigStore.accept` */
  accept(schema: StandardSchema): Promise<void>;
}

export interface ViewOptions {
  readonly accepted: Accepted;
  /** Aborted: nobody is told of changes any more. */
  readonly closed: AbortSignal;
  readonly log: Log;
}

/** Empty at first. */
export function createView({ accepted, closed, log }: ViewOptions): HeldView {
  const told = watchers(() => current.config, closed, log);
  let current = snapshot([]);

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
      scan(schema, path) {
        try {
          return accepted.scan(examined, schema, path);
        } catch (error) {
          throw ownFault(error);
        }
      },
      changes: told.changes,
      watch: (path, changed) => told.watch(config, path, changed),
    };
    return { config, examined };
  }

  const live: Config = {
    get: (...path) => current.config.get(...path),
    get data() {
      return current.config.data;
    },
    scan: (schema, path) => current.config.scan(schema, path),
    changes: told.changes,
    watch: (path, changed) => current.config.watch(path, changed),
  };

  return {
    get current() {
      return current.config;
    },
    live,
    originOf: (path) => current.examined.originOf(path),
    isSecret: (path) => current.examined.isSecret(path),
    take(layers, refuse = () => undefined) {
      const next = snapshot(layers);
      if (sameValue(next.config.data, current.config.data)) {
        // the same values, though not always from the same sources
        current = { ...next, config: current.config };
        return undefined;
      }
      const refusal = refuse(next.examined);
      if (refusal !== undefined) return refusal;
      current = next;
      told.notify();
      return undefined;
    },
    accept: (schema) => accepted.accept(current.examined, schema),
  };
}

/** What a handler's caller can neither mend nor should read: no MicrorunError, which would be sent to it. */
function ownFault(error: unknown): Error {
  const { message, hint } = MicrorunError.from(error);
  return new Error(hint === undefined ? message : `${message}\n  hint: ${hint}`);
}

// biome-ignore lint/suspicious/noExplicitAny: as in Config.get
function lookup(data: Config["data"], args: readonly unknown[]): any {
  const { path, fallback } = parsePath(args);
  return find(data, path) ?? fallback;
}
