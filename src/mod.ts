/** What `import … from "microrun"` gives. */
import type { ConnectedClient, ConnectOptions } from "./client/client.ts";
import { type Definition, definitionMark } from "./service/service.ts";

export type {
  Broker,
  CloudEvent,
  CloudEventOptions,
  Message,
  MessageHandler,
  PublishOptions,
  RetryOptions,
  SubscribeOptions,
} from "./broker/broker.ts";
export type { Call, Claims, Dispatch, Middleware } from "./call.ts";
export type { CallOptions, Client, ConnectedClient, ConnectOptions } from "./client/client.ts";
export type {
  Config,
  ConfigData,
  ConfigValue,
  StandardIssue,
  StandardResult,
  StandardSchema,
} from "./config/config.ts";
export { type Code, type ErrorOptions, MicrorunError } from "./errors.ts";
export type { HealthCheck } from "./health/health.ts";
export type { Log, LogFields } from "./log.ts";
export { jwt } from "./middleware/bearer.ts";
export { bulkhead } from "./middleware/bulkhead.ts";
export { log } from "./middleware/call-log.ts";
export { rateLimit } from "./middleware/call-rate.ts";
export { changedCall } from "./middleware/changed-call.ts";
export { circuitBreaker } from "./middleware/circuit-breaker.ts";
export { cors } from "./middleware/cors.ts";
export type { Layer, Surroundings, WebDispatch, WebVisit } from "./middleware/middleware.ts";
export { recover } from "./middleware/recover.ts";
export { timeout } from "./middleware/timeout.ts";
export { validate } from "./middleware/validate.ts";
export type {
  Context,
  Definition,
  Handler,
  Handlers,
  Identity,
  RuntimeContext,
  Subscription,
  WebContext,
  WebFetch,
} from "./service/service.ts";

/** Says what a module is, typed: `export default service({ name, version, proto, handlers, fetch, subscribe, health, start, stop })`. */
export function service<const D extends Definition>(definition: D): D {
  return { ...definition, [definitionMark]: true };
}

/**
 * A client for scripts, by the settings of this run: `await using client = await connect()`. Made by run.ts, which knows them.
 * @throws MicrorunError `invalid_argument` for options that cannot hold
 */
export declare const connect: (options?: ConnectOptions) => Promise<ConnectedClient>;
