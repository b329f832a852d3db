/** The module's own `fetch`, held to its contract: whatever it does, the caller gets a response and no secrets. */
import type { Fetch } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { nativeRequest } from "../lazy-request.ts";
import type { Log } from "../log.ts";
import { asksForWebSocket, type Upgrade } from "../web-socket.ts";
import { createLifetime } from "./lifetime.ts";
import type { Arrival } from "./unary.ts";

export interface WebAppOptions {
  readonly log: Log;
  /** How long a response may take to be there, in ms, asked at each request; 0: any time. */
  readonly timeoutMs: () => number;
}

export function webApp(
  fetch: Fetch,
  { log, timeoutMs }: WebAppOptions,
): (arrival: Arrival) => Promise<Response> {
  return async ({ request, peer, stop, upgrade }) => {
    const limitMs = timeoutMs() || undefined;
    const what = `${request.method} ${new URL(request.url).pathname}`;
    const asks = asksForWebSocket(request);
    if (asks && upgrade === undefined) return plain(501, "websockets are not supported here");
    let upgraded = false;
    const own: Upgrade = (options) => {
      upgraded = asks && (upgrade?.(options) ?? false);
      return upgraded;
    };
    using lifetime = createLifetime(request, limitMs, stop);
    const late = new AbortController();
    const signal = limitMs === undefined ? undefined : AbortSignal.any([request.signal, late.signal]);
    try {
      const asked = nativeRequest(request, signal);
      const response: unknown = await lifetime.during(async () => fetch(asked, peer, stop, own));
      // Bun's apps return nothing then
      if (upgraded) return new Response(null);
      if (response instanceof Response) return response;
      log.error(`${what}: fetch returned no Response`, { returned: typeof response });
    } catch (error) {
      if (upgraded) log.error(`${what} failed after its upgrade`, { error });
      if (stop?.aborted && error === stop.reason) return plain(503, MicrorunError.from(error).message);
      if (error === lifetime.signal.reason && limitMs !== undefined && !request.signal.aborted) {
        late.abort(error);
        return plain(504, `not answered within the server's ${limitMs} ms`);
      }
      if (request.signal.aborted) log.debug(`${what}: the caller left`);
      else log.error(`${what} failed`, { error });
    }
    return plain(500, "internal error");
  };
}

function plain(status: number, text: string): Response {
  return new Response(`${text}\n`, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}
