/** Web services passed through: whole requests to an instance and its answer back, both bodies as they come. */
import { errorText, MicrorunError } from "../errors.ts";
import { asksForWebSocket } from "../web-socket.ts";
import { isBelow } from "./checked-path.ts";
import { StatusError } from "./failure.ts";
import type { GatewayOptions, WebRoute } from "./gateway.ts";
import { askUpstream, uploadOf } from "./upstream-request.ts";
import type { Visit } from "./visit.ts";
import { bridged } from "./web-socket-bridge.ts";

export function findRoute(
  routes: readonly WebRoute[],
  { url, path }: Pick<Visit, "url" | "path">,
): WebRoute | undefined {
  // the dot of a name that is whole
  const host = url.hostname.toLowerCase().replace(/\.$/, "");
  const fits = routes.filter(
    (route) => (route.host === undefined || route.host === host) && isBelow(path, route.prefix ?? "/"),
  );
  // a host that is named, then the longest path
  const rank = (route: WebRoute): number =>
    (route.host === undefined ? 0 : 1e6) + (route.prefix ?? "").length;
  return fits.toSorted((one, other) => rank(other) - rank(one))[0];
}

/** @throws StatusError 413, 502, 503, 504; MicrorunError `cancelled` */
export async function passThrough(
  visit: Visit,
  { service }: WebRoute,
  options: GatewayOptions,
): Promise<Response> {
  const { upstream, upstreamTimeoutMs, log } = options;
  visit.target = service;
  const except = new Set<string>();
  if (asksForWebSocket(visit.request))
    return bridged(visit, await picked(visit, service, except, options), options);
  const upload = await uploadOf(visit.request, options);
  for (;;) {
    const address = await picked(visit, service, except, options);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), upstreamTimeoutMs);
    const signal = AbortSignal.any([visit.request.signal, late.signal]);
    const began = performance.now();
    const report = (error?: unknown): void => upstream.report(address, error, performance.now() - began);
    try {
      const response = await askUpstream(visit, address, upload, signal, upstream.tls?.());
      report();
      return response;
    } catch (error) {
      if (visit.request.signal.aborted) {
        const left = new MicrorunError("cancelled", "the caller left");
        report(left);
        throw left;
      }
      upload.check();
      report(error);
      log.warn(`${service} at ${address} failed`, { error: errorText(error), id: visit.id });
      if (late.signal.aborted)
        throw new StatusError(504, `the service did not answer within ${upstreamTimeoutMs} ms`);
      if (!isRefused(error)) throw new StatusError(502, "the service broke off");
      // nothing was sent: another instance may take it
      if (!upload.repeatable || except.has(address))
        throw new StatusError(503, "the service is not available");
      except.add(address);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function picked(
  { headers, id }: Visit,
  service: string,
  except: ReadonlySet<string>,
  { upstream, log }: GatewayOptions,
): Promise<string> {
  try {
    return await upstream.pick(service, { protocol: "http", except, call: headers });
  } catch (error) {
    log.warn(`no instance of ${service}`, { error: errorText(error), id });
    throw new StatusError(503, "the service is not available");
  }
}

function isRefused(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return /^(ConnectionRefused|ECONNREFUSED|FailedToOpenSocket)$/.test(String(code));
}
