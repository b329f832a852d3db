/** A tree against a schema: what the schema makes of it, or all its faults, none of which tells a secret. */
import { errorText, MicrorunError } from "../errors.ts";
import type { ConfigData, StandardIssue, StandardResult, StandardSchema } from "./config.ts";
import { looseCopy } from "./merge.ts";
import { secretTexts, toldKey } from "./redaction.ts";
import { quiet } from "./redaction-text.ts";
import { find, keysOf, valueAt } from "./snapshot.ts";

/** How many faults are listed; of more their number is told. */
export const maxFaultsListed = 50;

/** A tree, and what is known of its values. */
export interface Examined {
  readonly data: ConfigData;
  readonly isSecret: (keys: readonly string[]) => boolean;
  readonly originOf: (keys: readonly string[]) => string | undefined;
}

/** The faults in lines, `mongodb.port: expected number`, and the sources that they are in. */
export interface Refusal {
  readonly faults: readonly string[];
  readonly origins: readonly string[];
}

export type Verdict<Output> =
  | { readonly output: Output }
  | { readonly refusal: Refusal }
  /** It answers later, which nobody waits for; what it fails with is told. */
  | { readonly later: Promise<Refusal | undefined>; readonly vendor: string };

/**
 * @param path what the schema is of; undefined: the whole tree
 * @throws MicrorunError `invalid_argument` for what is no schema
 */
export function examine<Output>(
  schema: StandardSchema<Output>,
  tree: Examined,
  path: string | undefined,
): Verdict<Output> {
  const words = path?.split(".") ?? [];
  const asked = path === undefined ? tree.data : find(tree.data, words);
  const result = validated(schema, looseCopy(asked));
  const failed = (error: unknown): Refusal => {
    // whose text is anybody's: it may quote the tree
    const line = `the schema failed: ${quiet(errorText(error), secretTexts(tree.data, tree.isSecret))}`;
    return { faults: [path === undefined ? line : `${path}: ${line}`], origins: [] };
  };
  if (result instanceof Error) return { refusal: failed(result) };
  if ("then" in result) {
    const later = Promise.resolve(result).then(() => undefined, failed);
    return { later, vendor: schema["~standard"].vendor };
  }
  if (result.issues === undefined) return { output: result.value };
  return { refusal: refusalOf(result.issues, tree, keysOf(tree.data, words) ?? words) };
}

function validated<Output>(
  schema: StandardSchema<Output>,
  value: unknown,
): StandardResult<Output> | Promise<StandardResult<Output>> | Error {
  const standard = schema?.["~standard"];
  if (typeof standard?.validate !== "function") {
    throw new MicrorunError("invalid_argument", "config: what it should be scanned with is no schema", {
      hint: "give it a schema of zod, valibot, arktype or another of standardschema.dev",
    });
  }
  let result: StandardResult<Output> | Promise<StandardResult<Output>>;
  try {
    result = standard.validate(value);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
  if (typeof result !== "object" || result === null) return new Error("it answered nothing");
  return result;
}

/** For whoever cannot wait until it is known whether the schema failed: zod answers so too where a transform throws. */
export function noAnswerYet(vendor: string): MicrorunError {
  const what = `config: a schema of ${vendor} failed, or answers later (with a Promise): the log says which`;
  return new MicrorunError("unimplemented", what, { hint: "read the log line of that schema" });
}

/** For a schema that does. */
export function answersLater(vendor: string): MicrorunError {
  return new MicrorunError("unimplemented", `config: a schema of ${vendor} answers later (with a Promise)`, {
    hint: "leave asynchronous checks and transforms out of the schema",
  });
}

function refusalOf(issues: readonly StandardIssue[], tree: Examined, base: readonly string[]): Refusal {
  const secrets = secretTexts(tree.data, tree.isSecret);
  const faults = new Set<string>();
  const origins = new Set<string>();
  for (const issue of issues.slice(0, maxFaultsListed)) {
    const keys = [...base, ...(issue.path ?? []).map(keyOf)];
    faults.add(faultLine(issue.message, keys, tree, secrets));
    const origin = tree.originOf(keys);
    if (origin !== undefined) origins.add(origin);
  }
  const more = issues.length - maxFaultsListed;
  return { faults: more > 0 ? [...faults, `and ${more} more`] : [...faults], origins: [...origins] };
}

function keyOf(segment: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof segment === "object" ? segment.key : segment);
}

/** Validators like to quote what they refuse; of a secret nothing is said but that it is refused. */
function faultLine(
  message: string,
  keys: readonly string[],
  tree: Examined,
  secrets: readonly string[],
): string {
  const names = keys.map((_, index) => toldKey(tree.data, keys.slice(0, index + 1), tree.isSecret));
  const name = names.join(".");
  if (keys.length > 0 && valueAt(tree.data, keys) !== undefined && tree.isSecret(keys)) {
    return `${name}: refused (the value is secret, so that no more is said)`;
  }
  // arktype says the path itself
  const said = message.startsWith(`${name} `) ? message.slice(name.length + 1) : message;
  const untold = quiet(
    said,
    secrets.filter((text) => !names.includes(text)),
  );
  return name === "" ? untold : `${name}: ${untold}`;
}

/** All faults as one error. */
export function refusalError(what: string, { faults, origins }: Refusal, joint: string): MicrorunError {
  const where = origins.length === 0 ? "a source of the configuration" : origins.join(", ");
  const list = (faults.length > 1 && joint.startsWith("\n") ? joint : " ") + faults.join(joint);
  return new MicrorunError("failed_precondition", `${what}:${list}`, { hint: `set it right in ${where}` });
}
