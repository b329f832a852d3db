/** Everything that is answered over HTTP, in order: health, calls, Go Micro's paths, the module's own `fetch`, a 404. */
import { type Context, Hono, type Next } from "hono";
import type { Fetch } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { Health } from "../health/health.ts";
import { serveConnect } from "./connect.ts";
import { failure } from "./connect-error.ts";
import { looksLikeCall } from "./connect-request.ts";
import { type Cors, trusts, withCors } from "./cors.ts";
import { healthPaths, serveHealth } from "./health.ts";
import { microPaths, serveMicro } from "./micro-path.ts";
import { notFound } from "./not-found.ts";
import type { Answering, Arrival } from "./unary.ts";
import { webApp } from "./web-app.ts";

export interface AppOptions extends Omit<Answering, "maxBodyBytes" | "trusts"> {
  readonly health: Health;
  /** The module's own. What is listed before it wins: it is never asked for `/health`, `/livez`, `/readyz` or `/startupz`. */
  readonly fetch?: Fetch;
  /** The largest message taken or sent, in bytes. @default 4194304 */
  readonly maxBodyBytes?: number;
  /** Asked at each request. @default pages of other origins may not call */
  readonly cors?: () => Cors;
  /** How long the module's own `fetch` may take for its response, in ms, asked at each request; 0: any time. @default 0 */
  readonly timeoutMs?: () => number;
}

interface Env {
  Bindings: Arrival;
}

const defaultBodyBytes = 4_194_304;
const noCors: Cors = { origins: [], methods: [], headers: [] };

export function createApp(options: AppOptions): Fetch {
  const { service, dispatch, health, log, cors = () => noCors, timeoutMs = () => 0 } = options;
  const answering: Answering = {
    service,
    dispatch,
    log,
    maxBodyBytes: options.maxBodyBytes ?? defaultBodyBytes,
    trusts: (origin) => trusts(cors(), origin),
  };
  const web = options.fetch && webApp(options.fetch, { log, timeoutMs });
  const microEndpoint = microPaths(service);
  const app = healthRoutes(new Hono<Env>(), health);

  app.all("/:service/:method", (c: Context<Env, "/:service/:method">, next: Next) => {
    const { service: name, method } = c.req.param();
    const endpoint = service.find(name, method);
    return endpoint === undefined ? next() : serveConnect(c.env, endpoint, answering);
  });

  app.all("*", (c) => {
    const { path } = c.req;
    const { request } = c.env;
    if (request.method === "GET" || request.method === "POST") {
      const endpoint = microEndpoint(path);
      if (endpoint !== undefined) return serveMicro(c.env, endpoint, answering);
    }
    const [, name = "", method, ...more] = path.split("/");
    const call = looksLikeCall(request) && method !== undefined && more.length === 0;
    if (call && service.has(name)) return unknown(`unknown method ${method} for service ${name}`, 501);
    if (web !== undefined) return web(c.env);
    return call ? unknown(`unknown service ${name}`, 404) : notFound(request, path, service);
  });
  return withCors(asFetch(app, log), cors);
}

/** Health alone, for a port of its own. */
export function createHealthApp(health: Health): Fetch {
  return asFetch(healthRoutes(new Hono<Env>(), health));
}

function healthRoutes(app: Hono<Env>, health: Health): Hono<Env> {
  for (const path of healthPaths) app.all(path, (c) => serveHealth(health, c.env.request, path));
  return app;
}

function asFetch(app: Hono<Env>, log?: AppOptions["log"]): Fetch {
  app.onError((error, c) => {
    log?.error(`${c.req.method} ${c.req.path} failed`, { error });
    return new Response("internal error\n", { status: 500 });
  });
  return (request, peer, stop) => app.fetch(request, { request, peer, stop });
}

function unknown(message: string, status: number): Response {
  return failure(new MicrorunError("unimplemented", message), status);
}
