/** Finds the binding of a path: a tree of segments, where each node is looked at once at most. */
import { usageError } from "../errors.ts";
import type { Endpoint } from "../service/service.ts";
import { bindingsOf, ruleName } from "./bindings.ts";
import { readRequest } from "./request.ts";
import type { Binding, Match, Routes, Template } from "./rest.ts";

/** Longer paths are nobody's, in characters. */
const maxPath = 8192;

interface Node {
  readonly literals: Map<string, Node>;
  any: Node | undefined;
  rest: Node | undefined;
  /** By the template's verb, then by HTTP's. */
  readonly ends: Map<string, Map<string, Binding>>;
}

/** @throws MicrorunError `invalid_argument` for a rule that cannot be held, and for two that mean the same */
export function createRoutes(endpoints: readonly Endpoint[]): Routes {
  const bindings = bindingsOf(endpoints);
  const root = node();
  for (const binding of bindings) add(root, binding);
  return {
    bindings,
    match(verb, path) {
      if (path.length > maxPath || !isUtf8(path)) return undefined;
      const search = new Set<string>();
      const found = find(root, verb, path, search);
      if (found !== undefined) return found;
      return search.size === 0 ? undefined : { allow: allowed(search) };
    },
  };
}

function node(): Node {
  return { literals: new Map(), any: undefined, rest: undefined, ends: new Map() };
}

function add(root: Node, binding: Binding): void {
  const { template, rule, method } = binding;
  let at = root;
  for (const segment of template.segments) {
    if (segment === "*") at = at.any ??= node();
    else if (segment === "**") at = at.rest ??= node();
    else at = child(at.literals, segment.literal);
  }
  const verbs = at.ends.get(template.verb) ?? new Map<string, Binding>();
  at.ends.set(template.verb, verbs);
  const other = verbs.get(rule.verb);
  if (other !== undefined)
    throw usageError(
      `${ruleName(method)}: ${rule.verb} ${rule.path} is what calls ${other.method.service}.${other.method.name}`,
      "give one of them another path",
    );
  verbs.set(rule.verb, binding);
}

function child(nodes: Map<string, Node>, key: string): Node {
  const known = nodes.get(key);
  if (known !== undefined) return known;
  const made = node();
  nodes.set(key, made);
  return made;
}

/** A colon in the last segment begins a verb where some template has it, and else is one of its characters. */
function find(root: Node, verb: string, path: string, allow: Set<string>): Match | undefined {
  const parts = path === "/" ? [] : path.slice(1).split("/");
  const last = parts.at(-1) ?? "";
  const colon = last.lastIndexOf(":");
  if (colon >= 0) {
    const own = [...parts.slice(0, -1), last.slice(0, colon)];
    const binding = descend(root, own, decoded(last.slice(colon + 1)), verb, allow);
    if (binding !== undefined) return match(binding, own);
  }
  const binding = descend(root, parts, "", verb, allow);
  return binding && match(binding, parts);
}

function descend(
  root: Node,
  parts: readonly string[],
  end: string,
  verb: string,
  allow: Set<string>,
): Binding | undefined {
  const visit = (at: Node, index: number): Binding | undefined => {
    if (index === parts.length) return taken(at, end, verb, allow) ?? taken(at.rest, end, verb, allow);
    const part = decoded(parts[index]!);
    const literal = at.literals.get(part);
    return (
      (literal && visit(literal, index + 1)) ??
      (part !== "" && at.any ? visit(at.any, index + 1) : undefined) ??
      taken(at.rest, end, verb, allow)
    );
  };
  return visit(root, 0);
}

function taken(at: Node | undefined, end: string, verb: string, allow: Set<string>): Binding | undefined {
  const verbs = at?.ends.get(end);
  if (verbs === undefined) return undefined;
  const found = verbs.get(verb) ?? (verb === "HEAD" ? verbs.get("GET") : undefined) ?? verbs.get("*");
  if (found === undefined) for (const other of verbs.keys()) allow.add(other);
  return found;
}

function allowed(verbs: ReadonlySet<string>): string[] {
  return [...verbs]
    .sort()
    .flatMap((verb) => (verb === "GET" && !verbs.has("HEAD") ? ["GET", "HEAD"] : [verb]));
}

function match(binding: Binding, parts: readonly string[]): Match {
  const texts = textsOf(binding.template, parts);
  return { binding, request: (query, body) => readRequest(binding, texts, query, body) };
}

/** What each variable of a template is in a path. */
function textsOf({ segments, variables }: Template, parts: readonly string[]): string[] {
  return variables.map(({ from, to, several }) => {
    const end = segments[to - 1] === "**" ? parts.length : to;
    const text = parts.slice(from, end).join("/");
    // what a client wrote as %2F is no slash between segments
    const pieces = several ? text.split(/(%2f)/i) : [text];
    return pieces.map((piece, index) => (index % 2 === 0 ? decoded(piece) : piece)).join("");
  });
}

/** Of a path that is UTF-8. */
function decoded(text: string): string {
  return text.includes("%") ? decodeURIComponent(text) : text;
}

function isUtf8(path: string): boolean {
  try {
    decoded(path);
    return true;
  } catch {
    return false;
  }
}
