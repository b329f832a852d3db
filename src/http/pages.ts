/** Pages about the service beside the module's own: of the same path the module's is the one, unless it has none. */
import type { Arrival } from "./unary.ts";

/** The page of a path; undefined: there is none. */
export type Pages = (path: string) => (() => Response | Promise<Response>) | undefined;

type Answer = (arrival: Arrival) => Promise<Response>;

/** Undefined: neither has the path. */
export function withPages(
  web: Answer | undefined,
  pages: Pages | undefined,
): (arrival: Arrival, path: string) => Promise<Response> | Response | undefined {
  if (pages === undefined) return (arrival) => web?.(arrival);
  return (arrival, path) => {
    const page = /^(GET|HEAD)$/.test(arrival.request.method) ? pages(path) : undefined;
    if (page === undefined || web === undefined) return page === undefined ? web?.(arrival) : page();
    return web(arrival).then(async (own) => {
      if (own.status !== 404) return own;
      await own.body?.cancel();
      return page();
    });
  };
}
