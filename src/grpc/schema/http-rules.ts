/** The lines of a method's `google.api.http`: its own, then its additional bindings. */
import type protobuf from "protobufjs";
import type { HttpRule } from "../../call.ts";

const verbs = ["get", "put", "post", "delete", "patch"] as const;

/** As protobufjs leaves it. */
type Rule = Readonly<Record<string, unknown>>;

export function httpRules({ parsedOptions }: protobuf.Method): readonly HttpRule[] {
  const given = ((parsedOptions ?? []) as readonly Rule[]).flatMap((option) =>
    rulesIn(option["(google.api.http)"] ?? option["(.google.api.http)"]),
  );
  if (given.length === 0) return [];
  const own: Rule = Object.assign({}, ...given);
  return [own, ...rulesIn(own.additional_bindings)].flatMap(ruleOf);
}

function rulesIn(value: unknown): readonly Rule[] {
  return value === undefined ? [] : ([value].flat() as unknown[] as readonly Rule[]);
}

/** None, where it names no path. */
function ruleOf(rule: Rule): HttpRule[] {
  const custom = rule.custom as Rule | undefined;
  const verb = verbs.find((name) => rule[name] !== undefined) ?? textOf(custom?.kind);
  const path = textOf(custom === undefined ? rule[verb] : custom.path);
  if (path === "") return [];
  const body = textOf(rule.body);
  return [{ verb: verb.toUpperCase(), path, body, responseBody: textOf(rule.response_body) }];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
