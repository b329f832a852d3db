/** Everything that is answered over HTTP, in order: health, calls, REST, Go Micro's paths, the module's own `fetch`, pages about it, a 404. */
import type { Fetch } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { Health } from "../health/health.ts";
import type { Routes } from "../rest/rest.ts";
import { serveConnect } from "./connect.ts";
import { failure } from "./connect-error.ts";
import { looksLikeCall } from "./connect-request.ts";
import { type Cors, trusts, withCors } from "./cors.ts";
import { grpcWebFailure, isGrpcWeb, serveGrpcWeb } from "./grpc-web.ts";
import { healthPaths, serveHealth } from "./health.ts";
import { microPaths, serveMicro } from "./micro-path.ts";
import { notFound } from "./not-found.ts";
import { type Pages, withPages } from "./pages.ts";
import { serveRest, wrongVerb } from "./rest.ts";
import type { Answering, Arrival } from "./unary.ts";
import { webApp } from "./web-app.ts";

export interface AppOptions extends Omit<Answering, "maxBodyBytes" | "trusts"> {
  readonly health: Health;
  /** The module's own. What is listed before it wins: it is never asked for `/health`, `/livez`, `/readyz` or `/startupz`. */
  readonly fetch?: Fetch;
  /** What of it is called by `google.api.http`. @default nothing */
  readonly rest?: Routes | undefined;
  /** Pages about the service, where the module has none of the same path. @default none */
  readonly pages?: Pages | undefined;
  /** The largest message taken or sent, in bytes. @default 4194304 */
  readonly maxBodyBytes?: number;
  /** Asked at each request. @default pages of other origins may not call */
  readonly cors?: () => Cors;
  /** How long the module's own `fetch` may take for its response, in ms, asked at each request; 0: any time. @default 0 */
  readonly timeoutMs?: () => number;
}

const defaultBodyBytes = 4_194_304;
const noCors: Cors = { origins: [], methods: [], headers: [] };

export function createApp(options: AppOptions): Fetch {
  const { service, dispatch, health, log, rest, cors = () => noCors, timeoutMs = () => 0 } = options;
  const answering: Answering = {
    service,
    dispatch,
    log,
    maxBodyBytes: options.maxBodyBytes ?? defaultBodyBytes,
    trusts: (origin) => trusts(cors(), origin),
  };
  const web = withPages(options.fetch && webApp(options.fetch, { log, timeoutMs }), options.pages);
  const microEndpoint = microPaths(service);

  const route: Route = (arrival, path) => {
    const { request } = arrival;
    if (healthPaths.includes(path)) return serveHealth(health, request, path);
    const slash = path.indexOf("/", 1);
    const named = slash > 0 && path.indexOf("/", slash + 1) < 0;
    const name = path.slice(1, slash);
    const method = path.slice(slash + 1);
    const endpoint = named ? service.find(decoded(name), decoded(method)) : undefined;
    if (endpoint !== undefined)
      return isGrpcWeb(request)
        ? serveGrpcWeb(arrival, endpoint, answering)
        : serveConnect(arrival, endpoint, answering);
    const found = rest?.match(request.method, path);
    if (found !== undefined && "binding" in found) return serveRest(arrival, found, answering);
    if (request.method === "GET" || request.method === "POST") {
      const micro = microEndpoint(path);
      if (micro !== undefined) return serveMicro(arrival, micro, answering);
    }
    const call = named && (looksLikeCall(request) || isGrpcWeb(request));
    if (call && service.has(name))
      return unknown(request, `unknown method ${method} for service ${name}`, 501);
    const answer = web(arrival, path);
    if (answer !== undefined) return answer;
    if (found !== undefined) return wrongVerb(request, path, found.allow);
    return call ? unknown(request, `unknown service ${name}`, 404) : notFound(request, path, service);
  };
  return withCors(asFetch(route, log), cors);
}

/** Health alone, for a port of its own. */
export function createHealthApp(health: Health): Fetch {
  return asFetch(({ request }, path) =>
    healthPaths.includes(path)
      ? serveHealth(health, request, path)
      : new Response("404 Not Found", { status: 404 }),
  );
}

type Route = (arrival: Arrival, path: string) => Response | Promise<Response>;

function asFetch(route: Route, log?: AppOptions["log"]): Fetch {
  return (request, peer, stop, upgrade) => {
    const path = pathOf(request.url);
    const answer = async (): Promise<Response> => {
      try {
        return await route({ request, peer, stop, upgrade }, path);
      } catch (error) {
        log?.error(`${request.method} ${path} failed`, { error });
        return new Response("internal error\n", { status: 500 });
      }
    };
    return answer();
  };
}

/** The request's URL is whole and normal. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.indexOf("?", start);
  return end < 0 ? url.slice(start) : url.slice(start, end);
}

function decoded(part: string): string {
  if (!part.includes("%")) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function unknown(request: Request, message: string, status: number): Response {
  const error = new MicrorunError("unimplemented", message);
  return isGrpcWeb(request) ? grpcWebFailure(request, error) : failure(error, status);
}
