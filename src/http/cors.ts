/** Which pages of other origins may call (CORS, fetch.spec.whatwg.org): preflights answered, answers marked as readable. */
import type { Fetch } from "../call.ts";

/** Asked at each request, so that it may change. */
export interface Cors {
  /** `https://shop.example`; `*`: any, without cookies. None: nothing is done. */
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  /** None: whatever is asked for. */
  readonly headers: readonly string[];
}

/** How long a browser may keep a preflight's answer, in seconds: what is taken back still holds for so long. */
const maxAgeSeconds = 600;

/** What is said of origins by `fetch` itself stands: the module's own answer to a preflight, too. */
export function withCors(fetch: Fetch, cors: () => Cors): Fetch {
  return (request, peer, stop, upgrade) => {
    const rules = cors();
    const answer = fetch(request, peer, stop, upgrade);
    return rules.origins.length === 0 ? answer : withRules(request, rules, answer);
  };
}

async function withRules(
  request: Request,
  rules: Cors,
  answer: Response | Promise<Response>,
): Promise<Response> {
  const response = await answer;
  if (response.headers.has("access-control-allow-origin")) return response;
  if (!isPreflight(request)) return marked(response, originFields(request, rules, response.headers), rules);
  await response.body?.cancel();
  return preflight(request, rules);
}

/** A page of this origin may do what only the service's own may: `*` names nobody. */
export function trusts({ origins }: Cors, origin: string): boolean {
  return origins.includes(origin) && origin !== "null" && !origins.includes("*");
}

function isPreflight({ method, headers }: Request): boolean {
  return method === "OPTIONS" && headers.has("origin") && headers.has("access-control-request-method");
}

function preflight(request: Request, rules: Cors): Response {
  const headers = new Headers({
    vary: "origin, access-control-request-method, access-control-request-headers",
  });
  const allowed = allowedFields(request, rules);
  if (allowed !== undefined) {
    const asked = request.headers.get("access-control-request-headers");
    const fields = rules.headers.length > 0 ? rules.headers.join(", ") : asked;
    for (const [name, value] of Object.entries(allowed)) headers.set(name, value);
    headers.set("access-control-allow-methods", rules.methods.join(", "));
    if (fields) headers.set("access-control-allow-headers", fields);
    headers.set("access-control-max-age", String(maxAgeSeconds));
  }
  return new Response(null, { status: 204, headers });
}

/** Cookies come along only from origins that are named. */
function allowedFields({ headers }: Request, { origins }: Cors): Record<string, string> | undefined {
  if (origins.includes("*")) return { "access-control-allow-origin": "*" };
  const origin = headers.get("origin");
  if (origin === null || !origins.includes(origin)) return undefined;
  return {
    "access-control-allow-origin": origin,
    // any sandboxed page is null
    ...(origin === "null" ? {} : { "access-control-allow-credentials": "true" }),
  };
}

/** Pages read only a few fields of an answer unless told of the others: Connect's trailers, a handler's own, those that gRPC-Web's clients look for. */
function originFields(request: Request, rules: Cors, headers: Headers): Record<string, string> {
  const allowed = allowedFields(request, rules);
  if (allowed === undefined) return {};
  const asked = headers.get("content-type")?.startsWith("application/grpc-web") ? statusFields : [];
  const names = [...new Set([...headers.keys(), ...asked])].filter((name) => !notExposed.test(name));
  return { ...allowed, ...(names.length === 0 ? {} : { "access-control-expose-headers": names.join(", ") }) };
}

/** Looked for even where they are not, which browsers complain of. */
const statusFields = ["grpc-status", "grpc-message", "grpc-status-details-bin"];

/** Readable anyway, nobody's to read, or of the connection. */
const notExposed =
  /^(access-control-.*|cache-control|content-(language|length|type)|expires|last-modified|pragma|set-cookie|vary|connection|keep-alive|transfer-encoding)$/;

function marked(response: Response, fields: Record<string, string>, { origins }: Cors): Response {
  const mark = ({ headers }: Response): void => {
    for (const [name, value] of Object.entries(fields)) headers.set(name, value);
    if (!origins.includes("*")) headers.append("vary", "origin");
  };
  try {
    mark(response);
    return response;
  } catch {
    // what another `fetch` gave cannot be changed
    const copy = new Response(response.body, response);
    mark(copy);
    return copy;
  }
}
