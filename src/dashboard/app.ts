/** The dashboard's pages and what they ask for, by path. */
import { type Context, Hono } from "hono";
import { html } from "hono/html";
import type { Client } from "../client/client.ts";
import { errorText, MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Registry } from "../registry/registry.ts";
import { assets } from "./assets.ts";
import { createCallDesk } from "./call-desk.ts";
import { callPage } from "./call-page.ts";
import { type CallableEndpoint, createEndpoints } from "./endpoints.ts";
import { eventStream, lineStream, type ServerEvent } from "./event-stream.ts";
import { createGuard, type GuardOptions, securityHeaders } from "./guard.ts";
import { type Frame, layout, type Page } from "./layout.ts";
import { createLive } from "./live.ts";
import { grpcAddress, type Peers } from "./peers.ts";
import { createRoster, isAway, type ServiceState } from "./roster.ts";
import { servicePage } from "./service-page.ts";
import { servicesPage } from "./services-page.ts";
import { configPage, eventsPage, logsPage, toldConfig } from "./told-pages.ts";
import { readWanted } from "./wanted-call.ts";

export interface AppOptions extends GuardOptions {
  readonly registry: Pick<Registry, "name" | "list">;
  readonly client: Client;
  readonly peers: Peers;
  readonly log: Log;
  /** Aborted when the dashboard ends. */
  readonly signal: AbortSignal;
}

/** Pages open at a time that hear of changes. */
const maxStreams = 64;
/** Of a request, in characters. */
const maxBody = 4_194_304;

export function createApp(options: AppOptions): (request: Request) => Response | Promise<Response> {
  const { registry, client, peers, log } = options;
  const guard = createGuard(options);
  const frame: Frame = { registry: registry.name, pageToken: options.pageToken };
  const roster = createRoster(registry, peers);
  const live = createLive({ roster, peers });
  const endpoints = createEndpoints(peers);
  const desk = createCallDesk(client);
  let streams = 0;

  const show = async (page: Page, status: 200 | 404 | 500 = 200): Promise<Response> =>
    new Response(String(await layout(page, frame)), {
      status,
      headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
    });
  const trouble = (title: string, why: string, status: 404 | 500): Promise<Response> =>
    show({ title, body: html`<h1>${title}</h1><p class="empty">${why}</p>` }, status);
  const named = async (context: Context): Promise<ServiceState> => {
    const name = context.req.param("name") ?? "";
    const found = (await roster.known()).find((one) => one.name === name);
    return found ?? { name, instances: [] };
  };
  const page =
    (make: (service: ServiceState, context: Context) => Page | Promise<Page>) => async (context: Context) => {
      const service = await named(context);
      if (service.instances.length === 0)
        return trouble(service.name, "The registry knows no instance of this service.", 404);
      return show(await make(service, context));
    };
  const stopWith = (request: Request): AbortController => {
    const stop = new AbortController();
    const signal = AbortSignal.any([request.signal, options.signal]);
    signal.addEventListener("abort", () => stop.abort());
    if (signal.aborted) stop.abort();
    return stop;
  };
  const stream =
    (begin: (context: Context, signal: AbortSignal) => AsyncIterable<ServerEvent>) => (context: Context) => {
      if (streams >= maxStreams) return new Response("too many pages are open\n", { status: 503 });
      streams++;
      const stop = stopWith(context.req.raw);
      if (stop.signal.aborted) streams--;
      else stop.signal.addEventListener("abort", () => streams--, { once: true });
      return eventStream(begin(context, stop.signal), stop, log);
    };
  const endpointsOf = ({ instances }: ServiceState): Promise<readonly CallableEndpoint[]> =>
    endpoints.of(instances.map(({ instance }) => instance));
  const nameOf = (context: Context): string => context.req.param("name") ?? "";

  const app = new Hono();
  app.get("/assets/:file", (context) => {
    const asset = assets.get(context.req.param("file"));
    if (asset === undefined) return context.notFound();
    return new Response(asset.text, { headers: { "content-type": asset.type, "cache-control": "no-cache" } });
  });
  app.get("/", async () => show(servicesPage(await roster.known())));
  app.get(
    "/live/services",
    stream((_, signal) => live.services(signal)),
  );
  app.get("/services/:name", page(servicePage));
  app.get(
    "/services/:name/live",
    stream((context, signal) => live.service(nameOf(context), signal)),
  );
  app.get("/services/:name/logs", page(logsPage));
  app.get(
    "/services/:name/live/logs",
    stream((context, signal) => live.logs(nameOf(context), signal)),
  );
  app.get("/services/:name/events", page(eventsPage));
  app.get(
    "/services/:name/live/events",
    stream((context, signal) => live.events(nameOf(context), signal)),
  );
  app.get(
    "/services/:name/call",
    page(async (service, context) =>
      callPage({ service, endpoints: await endpointsOf(service), chosen: context.req.query("endpoint") }),
    ),
  );
  app.get(
    "/services/:name/config",
    page(async (service, context) => {
      const wanted = context.req.query("instance");
      const { instance } =
        service.instances.find((one) => one.instance.id === wanted) ?? service.instances[0]!;
      try {
        const ask = (method: string) =>
          peers.ask(instance, { service: "microrun.inspect.v1.Inspect", method });
        const [overview, config] = await Promise.all([ask("Overview"), ask("Config")]);
        return configPage(service, toldConfig(instance.id, overview, config));
      } catch (error) {
        const known = MicrorunError.from(error);
        if (isAway(known))
          return configPage(service, `${grpcAddress(instance)} cannot be reached: ${known.message}`);
        return configPage(service, "This instance does not tell its configuration: start it with --inspect.");
      }
    }),
  );
  app.post("/services/:name/call", async (context) => {
    const service = await named(context);
    const wanted = readWanted(await json(context.req.raw), service, await endpointsOf(service));
    const stop = stopWith(context.req.raw);
    return lineStream(desk.open(wanted, stop.signal), stop, log);
  });
  app.post("/calls/:id/messages", async (context) => {
    const { message } = (await json(context.req.raw)) as { message?: unknown };
    return desk.add(context.req.param("id"), message ?? {})
      ? context.body(null, 204)
      : context.text("the call has ended\n", 404);
  });
  app.post("/calls/:id/finish", (context) =>
    desk.finish(context.req.param("id"))
      ? context.body(null, 204)
      : context.text("the call has ended\n", 404),
  );
  app.notFound(() => trouble("Not found", "There is no such page.", 404));
  app.onError((error, context) => {
    const known = MicrorunError.from(error);
    if (context.req.method === "POST")
      return context.text(`${known.message}\n`, known.code === "invalid_argument" ? 400 : 503);
    log.warn(`dashboard: ${errorText(error)}`);
    return trouble(
      "Not to be shown",
      known.code === "internal" ? "See the log of the dashboard." : known.message,
      500,
    );
  });

  return async (request) => {
    const response = guard(request) ?? (await app.fetch(request));
    for (const [name, value] of Object.entries(securityHeaders)) response.headers.set(name, value);
    return response;
  };
}

/** @throws MicrorunError `invalid_argument` */
async function json(request: Request): Promise<unknown> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBody)
    throw new MicrorunError("invalid_argument", `the request is larger than ${maxBody} bytes`);
  try {
    return JSON.parse(await request.text());
  } catch {
    throw new MicrorunError("invalid_argument", "the request is not JSON");
  }
}
