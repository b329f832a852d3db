/** The way of a request through the gateway: looked at, let in, routed, answered, told of. */
import type { Fetch } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { checkedPath } from "./checked-path.ts";
import { failure, gatewayId, microErrorOf, NoRouteError, StatusError } from "./failure.ts";
import type { Gateway, GatewayOptions } from "./gateway.ts";
import { guard } from "./guard.ts";
import { createRpc, type Rpc } from "./rpc.ts";
import { rpcTarget } from "./rpc-path.ts";
import { rpcId, rpcPath, rpcPost } from "./rpc-post.ts";
import { sessions } from "./session.ts";
import { callerOf, outgoingHeaders, requestIdOf, type Visit } from "./visit.ts";
import { findRoute, passThrough } from "./web-proxy.ts";

export function createGateway(options: GatewayOptions): Gateway {
  const { log, accessLog } = options;
  const rpc = createRpc(options);

  const fetch: Fetch = async (request, peer, stop, upgrade) => {
    const began = performance.now();
    const url = new URL(request.url);
    const id = requestIdOf(request.headers);
    const ip = callerOf(request.headers, peer, options.proxyHops);
    let fields: Record<string, string> = {};
    let visit: Visit | undefined;
    let response: Response;
    try {
      const headers = outgoingHeaders(request, { id, ip, peer }, options);
      visit = { request, url, path: checkedPath(url.pathname), id, ip, headers, stop, upgrade };
      fields = await guard(visit, options);
      response = await route(visit, rpc, options);
    } catch (thrown) {
      response = refusal(request, url, thrown);
      if (response.status >= 500 && !isExpected(thrown))
        log.error(`${request.method} ${url.pathname} failed`, { id, error: thrown });
    }
    for (const [name, value] of Object.entries({ ...fields, "x-request-id": id }))
      response.headers.set(name, value);
    if (accessLog) {
      const ms = Math.round(performance.now() - began);
      const { target, upgraded } = visit ?? {};
      const status = upgraded ? 101 : response.status;
      // no query: it may hold what is nobody's to read
      log.info(`${request.method} ${url.pathname}`, {
        status,
        ms,
        ip,
        id,
        ...(target && { target }),
      });
    }
    return response;
  };
  return { fetch, websocket: { ...sessions, maxPayloadLength: options.maxMessageBytes } };
}

async function route(visit: Visit, rpc: Rpc, options: GatewayOptions): Promise<Response> {
  const web = findRoute(options.routes, visit);
  if (web !== undefined) return passThrough(visit, web, options);
  checkOrigin(visit.request, options);
  if (visit.path === rpcPath) return rpcPost(visit, rpc, options);
  const target = rpcTarget(visit.path, options.namespace);
  if (target === undefined) throw new NoRouteError("not found");
  return rpc.serve(visit, target);
}

/** Requests that a browser sends for a page of another site without asking first: reading the answer is not all that they do. */
function checkOrigin({ headers, url }: Request, { trusts }: GatewayOptions): void {
  const origin = headers.get("origin");
  const site = headers.get("sec-fetch-site");
  if (origin !== null && (trusts(origin) || origin === new URL(url).origin)) return;
  const isForeign = site === null ? origin !== null : site !== "same-origin" && site !== "none";
  if (isForeign) throw new MicrorunError("permission_denied", "a page of another site may not call");
}

function refusal(request: Request, { pathname }: URL, thrown: unknown): Response {
  const error = microErrorOf(thrown, pathname === rpcPath ? rpcId : gatewayId);
  const fields = thrown instanceof StatusError ? thrown.fields : {};
  const challenge = error.code === 401 ? { "www-authenticate": "Bearer" } : {};
  const response = failure(error, { ...fields, ...challenge });
  return request.method === "HEAD" ? new Response(null, response) : response;
}

function isExpected(thrown: unknown): boolean {
  return thrown instanceof MicrorunError || thrown instanceof StatusError || thrown instanceof NoRouteError;
}
