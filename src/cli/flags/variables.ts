/** Environment variables that look like ours and are not: a word to whoever debugs, never an error. */
import { nearest } from "../../errors.ts";
import { type FlagTable, variableOf } from "./flags.ts";
import type { Environment } from "./values.ts";

export function nearVariables(env: Environment, table: FlagTable): string[] {
  const known = Object.entries(table).flatMap(([name, flag]) => variableOf(name, flag) ?? []);
  const byLower = new Map(known.map((variable) => [variable.toLowerCase(), variable]));
  return Object.keys(env)
    .filter((name) => name.startsWith("MICRO_") && !known.includes(name))
    .flatMap((name) => {
      const best = nearest(name, [...byLower.keys()]);
      return best === undefined ? [] : [`unknown variable ${name}: did you mean ${byLower.get(best)}?`];
    });
}
