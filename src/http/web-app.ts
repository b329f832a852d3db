/** The module's own `fetch`, held to its contract: whatever it does, the caller gets a response and no secrets. */
import type { Fetch } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import { createLifetime } from "./lifetime.ts";
import type { Arrival } from "./unary.ts";

export function webApp(fetch: Fetch, log: Log): (arrival: Arrival) => Promise<Response> {
  return async ({ request, peer, stop }) => {
    const what = `${request.method} ${new URL(request.url).pathname}`;
    if (request.headers.get("upgrade")?.toLowerCase() === "websocket")
      return plain(501, "websockets are not supported");
    using lifetime = createLifetime(request, undefined, stop);
    try {
      const response: unknown = await lifetime.during(async () => fetch(native(request), peer, stop));
      if (response instanceof Response) return response;
      log.error(`${what}: fetch returned no Response`, { returned: typeof response });
    } catch (error) {
      if (stop?.aborted && error === stop.reason) return plain(503, MicrorunError.from(error).message);
      if (request.signal.aborted) log.debug(`${what}: the caller left`);
      else log.error(`${what} failed`, { error });
    }
    return plain(500, "internal error");
  };
}

/** hono's light request is none for `new Request(request)`, which apps made for Bun and Deno may well say. */
function native(request: Request): Request {
  if (Object.getPrototypeOf(request) === Request.prototype) return request;
  const { url, method, headers, body, signal } = request;
  return new Request(url, { method, headers, signal, ...(body === null ? {} : { body, duplex: "half" }) });
}

function plain(status: number, text: string): Response {
  return new Response(`${text}\n`, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}
