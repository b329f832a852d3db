/** The flag that lets an instance be looked into, and what it then tells of its own flags. */
import { withoutPassword } from "../../configuration.ts";
import type { GivenFlag } from "../../inspect/inspect.ts";
import type { FlagTable } from "./flags.ts";
import { variableOf } from "./flags.ts";
import type { Environment, Given } from "./values.ts";

export const inspectFlags = {
  inspect: {
    type: "boolean",
    about:
      "Serve microrun.inspect.v1.Inspect for the dashboard: endpoints, configuration without secrets, timings, logs, events.",
    example: "true",
  },
} as const;

/** Names of flags whose values are never told. */
const secret = /token|password|secret|metadata|^set$/;
/** Of a value, in characters. */
const maxValue = 512;

/** Those that the line or the environment gave, in the order of the tables. */
export function givenFlags(table: FlagTable, given: Given, env: Environment): GivenFlag[] {
  return Object.entries(table).flatMap(([name, flag]) => {
    const texts = given.get(name);
    const variable = variableOf(name, flag);
    const said = variable === undefined ? undefined : env[variable];
    const value = texts?.join(",") ?? (said || undefined);
    if (value === undefined) return [];
    const shown = secret.test(name) ? "***" : withoutPassword(value).slice(0, maxValue);
    return [{ name, value: shown, source: texts === undefined ? variable! : `--${name}` }];
  });
}
