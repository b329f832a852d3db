/** The schemas that a tree must fit to be taken, and what each has made of each tree. */
import type { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import { within } from "../wait.ts";
import type { StandardSchema } from "./config.ts";
import { frozen } from "./frozen.ts";
import {
  answersLater,
  type Examined,
  examine,
  noAnswerYet,
  type Refusal,
  refusalError,
  type Verdict,
} from "./scan.ts";

/** How many schemas are remembered; later ones are checked when asked, not at a change. */
export const maxSchemas = 100;

/** How long it is waited for why a schema answers later, ms. */
export const maxLaterMs = 1000;

type Later = Extract<Verdict<unknown>, { later: unknown }>;

/** What a schema is of; undefined: the whole tree. */
type Path = string | undefined;

export interface Accepted {
  /**
   * What the schema makes of the tree, made once for each tree; it is remembered from then on.
   * @throws MicrorunError `failed_precondition` that lists every fault; `unimplemented` for a schema that answers later,
   * `invalid_argument` for what is none
   */
  scan<Output>(tree: Examined, schema: StandardSchema<Output>, path?: string): Output;
  /**
   * The same of the whole tree, for whoever may wait: where a schema answers later since it failed, that is what is thrown. zod
   * tries again with a Promise whatever a transform throws.
   */
  accept(tree: Examined, schema: StandardSchema): Promise<void>;
  /** Why the tree may not be taken. */
  refuse(tree: Examined): MicrorunError | undefined;
}

export function acceptedSchemas(log: Log): Accepted {
  const accepted = new Map<StandardSchema, Set<Path>>();
  const made = new WeakMap<Examined, WeakMap<StandardSchema, Map<Path, unknown>>>();
  let remembered = 0;
  let warned = false;

  const outputs = (tree: Examined, schema: StandardSchema): Map<Path, unknown> => {
    const ofTree = made.get(tree) ?? new WeakMap<StandardSchema, Map<Path, unknown>>();
    const ofSchema = ofTree.get(schema) ?? new Map<Path, unknown>();
    made.set(tree, ofTree.set(schema, ofSchema));
    return ofSchema;
  };

  const keep = (tree: Examined, schema: StandardSchema, path: Path, output: unknown): void => {
    outputs(tree, schema).set(path, frozen(output));
  };

  const remember = (schema: StandardSchema, path: Path): void => {
    const paths = accepted.get(schema) ?? new Set<Path>();
    if (paths.has(path)) return;
    if (remembered < maxSchemas) {
      accepted.set(schema, paths.add(path));
      remembered++;
    } else if (!warned) {
      warned = true;
      log.warn(
        `config.scan: more than ${maxSchemas} schemas, later ones are not asked before a change is taken`,
        {
          hint: "make a schema once, outside the handler",
        },
      );
    }
  };

  /** Nobody waits for it: what became of it is a line of its own. */
  const later = (verdict: Later): MicrorunError => {
    const { vendor } = verdict;
    void outcome(verdict).then((refusal) => {
      const { message, hint } = answersLater(vendor);
      if (refusal === undefined) log.error(message, { hint });
      else log.error(`config: a schema of ${vendor}: ${refusal.faults.join("; ")}`);
    });
    return noAnswerYet(vendor);
  };

  const taken = <Output>(
    result: Exclude<Verdict<Output>, Later>,
    tree: Examined,
    schema: StandardSchema<Output>,
    path: Path,
  ): Output => {
    if ("refusal" in result) throw misfit(result.refusal);
    keep(tree, schema, path, result.output);
    remember(schema, path);
    return result.output;
  };

  /** A schema that answers later for this one tree alone is a fault of the tree. */
  const judged = (schema: StandardSchema, tree: Examined, path: Path) => {
    const result = examine(schema, tree, path);
    return "later" in result ? { refusal: { faults: [later(result).message], origins: [] } } : result;
  };

  return {
    scan<Output>(tree: Examined, schema: StandardSchema<Output>, path?: string): Output {
      if (isSchema(schema) && outputs(tree, schema).has(path))
        return outputs(tree, schema).get(path) as Output;
      const result = examine(schema, tree, path);
      if ("later" in result) throw later(result);
      return taken(result, tree, schema, path);
    },
    async accept(tree, schema) {
      const result = examine(schema, tree, undefined);
      if (!("later" in result)) return void taken(result, tree, schema, undefined);
      const refusal = await outcome(result);
      throw refusal === undefined ? answersLater(result.vendor) : misfit(refusal);
    },
    refuse(tree) {
      const refusals: Refusal[] = [];
      for (const [schema, paths] of accepted) {
        for (const path of paths) {
          const result = judged(schema, tree, path);
          if ("refusal" in result) refusals.push(result.refusal);
          else keep(tree, schema, path, result.output);
        }
      }
      if (refusals.length === 0) return undefined;
      const faults = [...new Set(refusals.flatMap((refusal) => refusal.faults))];
      const origins = [...new Set(refusals.flatMap((refusal) => refusal.origins))];
      return refusalError("the last good values stay", { faults, origins }, "; ");
    },
  };
}

/** Why it failed; undefined where it did not, or takes longer than anybody waits. */
function outcome({ later }: Later): Promise<Refusal | undefined> {
  return within(maxLaterMs, "config", later).catch(() => undefined);
}

function isSchema(schema: unknown): schema is object {
  return (typeof schema === "object" && schema !== null) || typeof schema === "function";
}

function misfit(refusal: Refusal): MicrorunError {
  return refusalError("config does not fit its schema", refusal, "\n  ");
}
