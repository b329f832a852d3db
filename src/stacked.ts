/** A module's middleware where it stands: around the calls of its handlers, its `fetch`, and the calls that it makes. */
import type { Call, Middleware } from "./call.ts";
import type { CorsRules, Surroundings, WebDispatch } from "./middleware/middleware.ts";
import { corsOf, makeReady, stackCalls, stackWeb } from "./middleware/stack.ts";
import type { Definition, Service } from "./service/service.ts";

export interface Stacked {
  readonly calls: Middleware;
  readonly web: (fetch: WebDispatch) => WebDispatch;
  /** The rules that hold: those set for this run, else the module's. */
  readonly cors: (set: CorsRules) => CorsRules;
}

/** @throws MicrorunError `invalid_argument` for options that cannot hold */
export async function stacked(
  { middleware = [] }: Definition,
  service: Service,
  place: Surroundings,
): Promise<Stacked> {
  const own = service.endpoints.filter(({ internal }) => !internal).map(({ method }) => method);
  const around: Surroundings = {
    ...place,
    methods: own,
    files: () => service.schemas.flatMap(({ files }) => files()),
  };
  await makeReady(middleware, around);
  const internal = new Map(service.endpoints.map((endpoint) => [endpoint.method, endpoint.internal]));
  const isInternal = ({ type, service: name, method }: Call): boolean =>
    (type && internal.get(type)) ?? service.find(name, method)?.internal ?? false;
  const cors = corsOf(middleware, around);
  return {
    calls: stackCalls(middleware, around, isInternal),
    web: (fetch) => stackWeb(middleware, around, fetch),
    cors: (set) => (set.origins.length > 0 ? set : (cors?.() ?? set)),
  };
}

/** Undefined: there is none. @throws MicrorunError as `stacked` */
export async function stackedOut(
  { clientMiddleware = [] }: Definition,
  around: Surroundings,
): Promise<Middleware | undefined> {
  await makeReady(clientMiddleware, around);
  return clientMiddleware.length === 0 ? undefined : stackCalls(clientMiddleware, around);
}
