/** What a service offers over HTTP beside its calls: REST by its rules, and the description of it, served or printed. */
import type { AppOptions } from "./http/app.ts";
import { grpc, rest } from "./plugins.ts";
import type { Routes } from "./rest/rest.ts";
import { bindHandlers, composeService } from "./service/compose.ts";
import { identify } from "./service/identity.ts";
import type { LoadedModule } from "./service/load.ts";
import type { Service } from "./service/service.ts";
import type { Settings } from "./settings.ts";

export type Api = Pick<AppOptions, "rest" | "pages">;

/** @throws MicrorunError `invalid_argument` for rules that cannot be held */
export async function apiOf(service: Service, { docs }: Pick<Settings, "docs">): Promise<Api> {
  const routes = await routesOf(service);
  const own = service.endpoints.some(({ internal }) => !internal);
  return { rest: routes, pages: docs && own ? pagesOf(service, routes) : undefined };
}

const pagePath = /^\/(openapi\.json|docs(\/[\w.]+)?)$/;

/** Nothing of them is loaded before somebody asks. */
function pagesOf(service: Service, routes: Routes | undefined): NonNullable<Api["pages"]> {
  const load = once(async () => {
    const { apiPages } = await rest.pages();
    const { openApi } = await rest.document();
    return apiPages(() => openApi(described(service, routes)));
  });
  return (path) =>
    pagePath.test(path)
      ? async () => (await load())(path)?.() ?? new Response("404 page not found\n", { status: 404 })
      : undefined;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** The OpenAPI description of a module that is not served. */
export async function describeModule(
  { file, definition, proto }: LoadedModule,
  settings: Settings,
): Promise<object> {
  const schema = proto.length === 0 ? undefined : await (await grpc.schema()).loadSchema(proto);
  const service = composeService(identify(settings.server, definition, file), [
    bindHandlers(definition.handlers ?? {}, schema),
  ]);
  const { openApi } = await rest.document();
  return openApi(described(service, await routesOf(service)));
}

async function routesOf({ endpoints }: Service): Promise<Routes | undefined> {
  if (!endpoints.some(({ method }) => method.http?.length)) return undefined;
  return (await rest.routes()).createRoutes(endpoints);
}

function described(service: Service, routes: Routes | undefined) {
  const { endpoints, schemas } = service;
  return { identity: service, endpoints, schemas, bindings: routes?.bindings ?? [] };
}
