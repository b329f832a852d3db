/** ConfigMaps and Secrets as `--config` names them: one by its name, or those that selectors choose. */
import { didYouMean, usageError } from "../errors.ts";
import { isNamespace } from "./names.ts";

export type ConfigKind = "configmap" | "secret";

/** What is needed of a source's address; its parser is not ours. */
export interface WrittenAddress {
  /** As written: `configmap://default/micro?required`. */
  readonly text: string;
  /** `default/micro` */
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
}

export interface ConfigAddress {
  readonly kind: ConfigKind;
  /** Undefined: our own. */
  readonly namespace?: string;
  /** Undefined: those that `labels` and `fields` choose. */
  readonly name?: string;
  readonly labels?: string;
  readonly fields?: string;
  /** How an entry is read whose name has no known extension. */
  readonly format: "lines" | "raw";
  readonly required: boolean;
  readonly optional: boolean;
}

const known = ["labels", "fields", "format", "required", "optional"];
/** Of an object's name. */
const maxNameLength = 253;

/**
 * `configmap://NAMESPACE/NAME`, `configmap:NAME`, `configmap://NAMESPACE?labels=app=shop&fields=…`, `configmap:?labels=…`; with
 * `required`, `optional`, `format=raw`. @throws MicrorunError `invalid_argument`
 */
export function configAddress(address: WrittenAddress, kind: ConfigKind): ConfigAddress {
  const { text, query } = address;
  const wrong = (
    why: string,
    hint = `write ${kind}://NAMESPACE/NAME or ${kind}://NAMESPACE?labels=KEY=VALUE`,
  ) => usageError(`--config=${text}: ${why}`, hint);
  const [namespace, name] = place(address, kind);
  if (namespace !== undefined && !isNamespace(namespace)) throw wrong(`${namespace || '""'} is no namespace`);
  if (name !== undefined && !isName(name)) throw wrong(`${name} is no name of a ${kind}`);
  for (const key of query.keys()) {
    if (!known.includes(key))
      throw wrong(`no such option: ${key}${didYouMean(key, known)}`, `use one of ${known.join(", ")}`);
  }
  const selectors: { labels?: string; fields?: string } = {};
  for (const key of ["labels", "fields"] as const) {
    const selector = query.get(key);
    if (selector === undefined) continue;
    if (selector === "") throw wrong(`${key} selects nothing`);
    if (name !== undefined) throw wrong(`a name and ${key}`, "leave out one of them");
    selectors[key] = selector;
  }
  if (name === undefined && Object.keys(selectors).length === 0) throw wrong(`names no ${kind}`);
  const format = query.get("format") ?? (kind === "secret" ? "raw" : "lines");
  if (format !== "raw" && format !== "lines")
    throw wrong(`no such format: ${format}`, "use format=lines or format=raw");
  const isSet = (key: "required" | "optional"): boolean => {
    const value = query.get(key);
    if (value === undefined || ["", "true", "false"].includes(value))
      return value !== undefined && value !== "false";
    throw wrong(`${key} is neither true nor false`, `write ${key}, or leave it out`);
  };
  const [required, optional] = [isSet("required"), isSet("optional")];
  if (required && optional) throw wrong("it cannot be required and optional", "leave out one of them");
  return {
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...selectors,
    format,
    required,
    optional,
  };
}

/** The one object's name, also where a field selector gives it. */
export function nameOf({ name, fields }: Pick<ConfigAddress, "name" | "fields">): string | undefined {
  return name ?? /(?:^|,)metadata\.name==?([^,]+)(?:,|$)/.exec(fields ?? "")?.[1];
}

/** Whether a source, as `--config` has it, says that it is in this namespace. */
export function isWithin(text: string, namespace: string): boolean {
  const [, slashes, first, slash] = /^[a-z]+:(\/\/)?([^/?]*)(\/)?/.exec(text) ?? [];
  return first === namespace && (slashes ?? slash) !== undefined;
}

/** With two slashes the namespace comes first, as in a URL; without, the name is all there need be. */
function place(
  { text, path }: WrittenAddress,
  kind: ConfigKind,
): [namespace: string | undefined, name: string | undefined] {
  const [first = "", ...rest] = path.split("/");
  const last = rest.join("/");
  if (rest.length > 0) return [first, last || undefined];
  if (text.startsWith(`${kind}://`)) return [first, undefined];
  return [undefined, first || undefined];
}

function isName(text: string): boolean {
  return text.length <= maxNameLength && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text);
}
