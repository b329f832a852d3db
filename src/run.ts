/** The life of a service, from top to bottom: what is started is pushed on one stack; a stop is the stack read backwards. */
import { basename, extname } from "node:path";
import { type Methods, methodsOf } from "./client/methods.ts";
import { openConfiguration } from "./configuration.ts";
import { createConnect } from "./connect.ts";
import { errorText, MicrorunError } from "./errors.ts";
import { createHealth, type HealthChecks } from "./health/checks.ts";
import type { HealthCheck } from "./health/health.ts";
import { createLog, type Log, type LogSink } from "./log.ts";
import { openOutbound } from "./outbound.ts";
import * as plugins from "./plugins.ts";
import { openPorts } from "./ports.ts";
import { ownInstance } from "./registry/own-instance.ts";
import type { Registry } from "./registry/registry.ts";
import { hostRuntime } from "./runtime/host.ts";
import { takeSignals } from "./runtime/signals.ts";
import { bindHandlers, composeService } from "./service/compose.ts";
import { createDispatch } from "./service/dispatch.ts";
import { loadModule } from "./service/load.ts";
import type { Definition, Identity, RuntimeContext, Schema, Service } from "./service/service.ts";
import { countCalls, type Stats } from "./service/stats.ts";
import { limitTime } from "./service/time-limit.ts";
import type { LiveSettings, Settings, Settle } from "./settings.ts";
import { aborted, pause, within } from "./wait.ts";

/** What a started service tells whoever started it. */
export interface Ready {
  readonly service: Service;
  readonly log: Log;
  /** Where calls are answered; absent for a job without a port. */
  readonly grpcAddress: string | undefined;
  readonly httpAddress: string | undefined;
}

/**
 * Loads the module, serves it, and resolves with the exit code when it has ended: 0 well, 1 failed.
 * @param asked what the command line says alone
 * @param settle the same under a configuration
 * @throws MicrorunError when it cannot start; what was started by then is undone first
 */
export async function run(
  asked: Settings,
  settle: Settle,
  onReady: (ready: Ready) => void = () => {},
): Promise<number> {
  const level = asked.live.logLevel;
  const log = createLog({ write: (line) => process.stderr.write(`${line}\n`), ...asked.log, level });
  using signals = takeSignals(log);
  {
    await using stack = new AsyncDisposableStack();
    const starting = begin({ asked, settle, log, signal: signals.stop, stack, onReady });
    const stopping = aborted(signals.stop);
    // asked to stop before all was started: what is there by then is undone, the rest does not matter
    const started = await Promise.race([starting, stopping]);
    if (started === undefined) starting.catch(() => {});
    else await Promise.race([started.ended, stopping]);
    if (signals.stop.aborted) log.info(`stopping: ${errorText(signals.stop.reason)}`);
  }
  log.info("stopped");
  return signals.failed ? 1 : 0;
}

/** What a module says it is, loaded but not started. @throws MicrorunError as `run` */
export async function definitionOf(asked: Settings, log: Log): Promise<Definition> {
  const connect = createConnect({
    settings: () => asked,
    requestTimeoutMs: () => asked.live.clientTimeoutMs,
    env: process.env,
    log,
    from: () => stemOf(asked.module),
    methods: () => undefined,
  });
  await (await hostRuntime()).prepare({ ...(await import("./mod.ts")), connect }, asked.module);
  return (await loadModule(asked.module)).definition;
}

interface Beginning {
  readonly asked: Settings;
  readonly settle: Settle;
  readonly log: LogSink;
  readonly signal: AbortSignal;
  readonly stack: AsyncDisposableStack;
  readonly onReady: (ready: Ready) => void;
}

/** Each part is pushed on the stack as soon as it runs. `ended` is what the service's end waits for. */
async function begin({ asked, settle, log, signal, stack, onReady }: Beginning): Promise<{
  ended: Promise<unknown>;
}> {
  const { env } = process;
  const bounded = <T>(what: string, work: Promise<T> | T): Promise<T> =>
    within(asked.startTimeoutMs, what, work);

  // what the module may import
  const host = await hostRuntime();
  let from = asked.server.name ?? stemOf(asked.module);
  let methods: Methods = () => undefined;
  const connect = createConnect({
    settings: () => settings,
    requestTimeoutMs: () => live().clientTimeoutMs,
    env,
    log,
    from: () => from,
    methods: (...names) => methods(...names),
  });
  await host.prepare({ ...(await import("./mod.ts")), connect }, asked.module);

  // configuration, and the settings under it
  const configuration = stack.use(await openConfiguration(asked, settle, { env, log }));
  const { settings, store: config } = configuration;
  const live = (): LiveSettings => configuration.live;

  // the module
  const loading = loadModule(settings.module, settings.proto === undefined ? {} : { proto: settings.proto });
  const { file, definition, proto, ignored } = await bounded(`load ${settings.module}`, loading);
  const schema = proto.length === 0 ? undefined : await (await plugins.grpc.schema()).loadSchema(proto);
  const identity = identify(settings, definition, file);
  from = identity.name;
  if (schema !== undefined) methods = methodsOf(schema.services);
  log.info(`Starting [service] ${identity.name}`);
  if (ignored.length > 0) log.warn(`${file} exports ${ignored.join(", ")}: without a meaning here`);
  if (definition.config !== undefined) await config.accept(definition.config);

  // what it may use
  const requestTimeoutMs = (): number => live().clientTimeoutMs;
  const options = { ...settings, requestTimeoutMs, from, methods, env, log };
  const outbound = stack.use(await openOutbound(options));
  const { transport, registry } = outbound;
  const broker = await plugins.choose(plugins.brokers, "broker", settings.mesh.broker, options);
  const context: RuntimeContext = {
    service: identity,
    config: config.live,
    client: outbound.client(),
    broker,
    log,
    signal,
    args: settings.args,
  };

  // what answers
  const health = createHealth({ timeoutMs: settings.healthTimeoutMs, log });
  addChecks(health, definition.health);
  health.add("ready", "config", () => {}, { note: configuration.note });
  health.add("ready", "registry", () => {}, { note: () => stalenessNote(registry) });
  const { stats, middleware } = countCalls();
  const service = await assemble(identity, definition, schema, { health, stats, log, registry });
  const handlers = createDispatch(service, {
    ...context,
    config: () => config.current,
    client: outbound.client,
  });
  const dispatch = {
    grpc: middleware(limitTime(() => live().grpcTimeoutMs)(handlers)),
    http: middleware(limitTime(() => live().httpTimeoutMs)(handlers)),
  };
  warnOfMissing(service, log);

  // the module's own start; its stop comes after the last call
  const { start = () => {} } = definition;
  await theirs("start of the module", bounded("start of the module", Promise.try(start, context)));
  stack.defer(() => stopModule(definition, context, settings.drainTimeoutMs));

  // ports: closing them refuses new calls and waits for those under way; a job has one only when asked
  const wantsPorts = definition.job === undefined || asked.server.address !== undefined;
  const ports = wantsPorts
    ? stack.use(
        await openPorts({
          ...{ settings, live, host, transport, service, dispatch, definition, health },
          // one request sees one snapshot
          context: {
            ...context,
            get config() {
              return config.current;
            },
          },
        }),
      )
    : undefined;

  // events
  for (const [topic, handler] of Object.entries(definition.subscribe ?? {})) {
    stack.use(await broker.subscribe(topic, handler, { queue: identity.name }));
    log.info(`Subscribed [${broker.name}] to ${topic}`);
  }

  // others may find it
  let ready = false;
  if (ports !== undefined) {
    // nobody learned of a service that never was ready
    stack.defer(() => pause(ready ? settings.drainDelayMs : 0));
    if (settings.mesh.register) {
      log.info(`Registry [${registry.name}] Registering node: ${identity.id}`);
      const subscriptions = Object.keys(definition.subscribe ?? {});
      const names = { registry: registry.name, transport: transport.name, broker: broker.name };
      const { advertise } = settings.server;
      const own = ownInstance({ identity, service, subscriptions, ...ports, advertise, ...names });
      stack.use(await registry.register(own));
    }
  }
  stack.defer(() => {
    health.setServing(false);
    log.info("draining: no longer ready");
  });
  health.setServing(true);
  ready = true;
  onReady({ service, log, grpcAddress: ports?.grpcAddress, httpAddress: ports?.httpAddress });
  return { ended: definition.job === undefined ? new Promise(() => {}) : runJob(definition.job, context) };
}

/** A registry that cannot be reached makes nobody unready: what was last known holds. */
function stalenessNote(registry: Registry): string {
  const [since, trouble] = [registry.staleSince?.(), registry.trouble?.()];
  const age = since === undefined ? [] : [`last known ${Math.round((Date.now() - since) / 1000)} s ago`];
  return [registry.name, ...age, ...(trouble === undefined ? [] : [trouble])].join(", ");
}

/** Flag or variable, else the module, else the default. */
function identify({ server }: Settings, definition: Definition, file: string): Identity {
  const name = server.name ?? definition.name ?? stemOf(file);
  return {
    name,
    version: server.version ?? definition.version ?? "latest",
    id: server.id ?? `${name}-${crypto.randomUUID()}`,
    metadata: { ...definition.metadata, ...server.metadata },
  };
}

function stemOf(file: string): string {
  return basename(file, extname(file));
}

/** The user's endpoints first: where names clash, theirs are found. */
async function assemble(
  identity: Identity,
  definition: Definition,
  schema: Schema | undefined,
  { health, stats, log, registry }: { health: HealthChecks; stats: Stats; log: LogSink; registry: Registry },
): Promise<Service> {
  const own = bindHandlers(definition.handlers ?? {}, schema);
  const names = [...new Set(own.endpoints.map(({ method }) => method.service))];
  const { healthPart } = await plugins.grpc.health();
  const { reflectionPart } = await plugins.grpc.reflection();
  const { debugPart } = await plugins.grpc.debug();
  const service: Service = composeService(identity, [
    own,
    healthPart(health, [identity.name, ...names]),
    reflectionPart(() => service),
    debugPart({ health, stats, log, staleSince: () => registry.staleSince?.() }),
  ]);
  return service;
}

function addChecks(health: HealthChecks, checks: Definition["health"]): void {
  if (checks === undefined) return;
  const named: Readonly<Record<string, HealthCheck>> =
    typeof checks === "function" ? { health: checks } : checks;
  for (const [name, check] of Object.entries(named)) health.add("ready", name, check);
}

function warnOfMissing(service: Service, log: LogSink): void {
  const missing = service.endpoints
    .filter(({ handler }) => handler === undefined)
    .map(({ method }) => `${method.service}.${method.name}`);
  if (missing.length > 0) log.warn(`no handler for ${missing.join(", ")}: calls are answered unimplemented`);
}

async function stopModule(definition: Definition, context: RuntimeContext, timeoutMs: number): Promise<void> {
  try {
    await within(timeoutMs, "stop of the module", Promise.resolve(definition.stop?.(context)));
  } catch (error) {
    context.log.error("stop of the module failed", { error });
  }
}

async function runJob(job: NonNullable<Definition["job"]>, context: RuntimeContext): Promise<void> {
  await theirs("the job", Promise.try(job, context)).catch((error) => {
    if (!context.signal.aborted) throw error;
  });
}

/** What the user's own code throws is told as theirs, with its stack. */
async function theirs<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof MicrorunError) throw error;
    throw new MicrorunError("internal", `${what} failed: ${errorText(error)}`, { cause: error });
  }
}
