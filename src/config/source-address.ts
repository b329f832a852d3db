/** Where configuration comes from, as `--config` says it: `file:./config.yaml?required`, `configmap://default/micro`. */
import { usageError } from "../errors.ts";
import { withoutPassword } from "./redaction-text.ts";

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

/** As an error may have it. */
export function shownAddress(text: string): string {
  const flag = "--config=";
  return withoutPassword(flag + text).slice(flag.length);
}

/** @throws MicrorunError `invalid_argument` */
export function parseSourceAddress(text: string): SourceAddress {
  const [, scheme, path, query] = /^([a-z]+):(?:\/\/)?([^?]*)(?:\?(.*))?$/.exec(text) ?? [];
  if (scheme === undefined || path === undefined) {
    throw usageError(
      `--config=${shownAddress(text)}: not a source`,
      "write env:, file:./config.yaml or configmap://default/micro",
    );
  }
  return { text, scheme, path, query: new Map(parameters(query ?? "", text)) };
}

/** Values may hold `=`: `labels=app=user-srv`. */
function parameters(query: string, text: string): [string, string][] {
  return query
    .split("&")
    .filter((part) => part !== "")
    .map((part) => {
      const equals = part.indexOf("=");
      return equals < 0 ? [part, ""] : [part.slice(0, equals), decoded(part.slice(equals + 1), text)];
    });
}

function decoded(value: string, text: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw usageError(
      `--config=${shownAddress(text)}: what % begins is no escape of UTF-8`,
      "write % itself as %25",
    );
  }
}
