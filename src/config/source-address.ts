/** Where configuration comes from, as `--config` says it: `file:./config.yaml?required`, `configmap://default/micro`. */
import { usageError } from "../errors.ts";

export interface SourceAddress {
  /** As written. */
  readonly text: string;
  /** `env`, `file`, `configmap`, `secret` */
  readonly scheme: string;
  /** What stands between the scheme and the question mark, slashes at its beginning left out where there were two: `default/micro`. */
  readonly path: string;
  /** `required`, `labels=app=user-srv` */
  readonly query: ReadonlyMap<string, string>;
}

/** @throws MicrorunError `invalid_argument` */
export function parseSourceAddress(text: string): SourceAddress {
  const [, scheme, path, query] = /^([a-z]+):(?:\/\/)?([^?]*)(?:\?(.*))?$/.exec(text) ?? [];
  if (scheme === undefined || path === undefined) {
    throw usageError(
      `--config=${text}: not a source`,
      "write env:, file:./config.yaml or configmap://default/micro",
    );
  }
  return { text, scheme, path, query: new Map(parameters(query ?? "")) };
}

/** Values may hold `=`: `labels=app=user-srv`. */
function parameters(query: string): [string, string][] {
  return query
    .split("&")
    .filter((part) => part !== "")
    .map((part) => {
      const equals = part.indexOf("=");
      return equals < 0 ? [part, ""] : [part.slice(0, equals), decodeURIComponent(part.slice(equals + 1))];
    });
}
