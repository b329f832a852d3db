/** The life of a service, from top to bottom: what is started is pushed on one stack; a stop is the stack read backwards. */
import { announce } from "./announce.ts";
import { apiOf } from "./api.ts";
import { assemble } from "./assembly.ts";
import { type Methods, methodsOf } from "./client/methods.ts";
import { openConfiguration } from "./configuration.ts";
import { createConnect } from "./connect.ts";
import { errorText, MicrorunError } from "./errors.ts";
import { createHealth, type HealthChecks } from "./health/checks.ts";
import type { HealthCheck } from "./health/health.ts";
import { openInspection } from "./inspection.ts";
import { createLog, type Log, type LogSink } from "./log.ts";
import { limitTime } from "./middleware/time-limit.ts";
import { openOutbound } from "./outbound.ts";
import * as plugins from "./plugins.ts";
import { openPorts } from "./ports.ts";
import { ownInstance } from "./registry/own-instance.ts";
import type { Registry } from "./registry/registry.ts";
import { hostRuntime } from "./runtime/host.ts";
import { takeSignals } from "./runtime/signals.ts";
import { createDispatch } from "./service/dispatch.ts";
import { identify, stemOf } from "./service/identity.ts";
import { type LoadedModule, loadModule } from "./service/load.ts";
import type { Definition, RuntimeContext, Service } from "./service/service.ts";
import { countCalls } from "./service/stats.ts";
import { subscribeAll } from "./service/subscriptions.ts";
import type { LiveSettings, Settings, Settle } from "./settings.ts";
import { stacked, stackedOut } from "./stacked.ts";
import type { Tls } from "./transport/transport.ts";
import { aborted, within } from "./wait.ts";
import { checkShared, seated } from "./worker.ts";
import type { Seat } from "./workers/workers.ts";

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
 * @param seat this process is a worker. @default it is the whole service
 * @throws MicrorunError when it cannot start; what was started by then is undone first
 */
export async function run(
  asked: Settings,
  settle: Settle,
  onReady: (ready: Ready) => void = () => {},
  seat?: Seat,
): Promise<number> {
  const level = asked.live.logLevel;
  const fields = seat === undefined ? {} : { worker: seat.launch.worker };
  const log = createLog({ write: (line) => process.stderr.write(`${line}\n`), ...asked.log, level, fields });
  using signals = takeSignals(log, seat?.stop);
  {
    await using stack = new AsyncDisposableStack();
    const starting = begin({ asked, settle, seat, log, signal: signals.stop, stack, onReady });
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

/** A module, loaded but not started. @throws MicrorunError as `run` */
export async function moduleOf(asked: Settings, log: Log): Promise<LoadedModule> {
  const connect = createConnect({
    settings: () => asked,
    requestTimeoutMs: () => asked.live.clientTimeoutMs,
    env: process.env,
    log,
    from: () => stemOf(asked.module),
    methods: () => undefined,
  });
  await (await hostRuntime()).prepare({ ...(await import("./mod.ts")), connect }, asked.module);
  return loadModule(asked.module, asked.proto === undefined ? {} : { proto: asked.proto });
}

/** What it says it is. @throws MicrorunError as `run` */
export async function definitionOf(asked: Settings, log: Log): Promise<Definition> {
  return (await moduleOf(asked, log)).definition;
}

interface Beginning {
  readonly asked: Settings;
  readonly settle: Settle;
  readonly seat: Seat | undefined;
  readonly log: LogSink;
  readonly signal: AbortSignal;
  readonly stack: AsyncDisposableStack;
  readonly onReady: (ready: Ready) => void;
}

/** Each part is pushed on the stack as soon as it runs. `ended` is what the service's end waits for. */
async function begin({ asked, settle, seat, log, signal, stack, onReady }: Beginning): Promise<{
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
  const configuration = stack.use(await openConfiguration(asked, seated(settle, seat), { env, log }));
  const { settings, store: config } = configuration;
  const live = (): LiveSettings => configuration.live;

  // the module
  const loading = loadModule(settings.module, settings.proto === undefined ? {} : { proto: settings.proto });
  const { file, definition, proto, ignored } = await bounded(`load ${settings.module}`, loading);
  const schema = proto.length === 0 ? undefined : await (await plugins.grpc.schema()).loadSchema(proto);
  if (seat !== undefined) checkShared(definition, settings, { seat, log });
  const identity = identify(settings.server, definition, file, seat?.launch.nodeId);
  from = identity.name;
  if (schema !== undefined) methods = methodsOf(schema.services);
  log.info(`Starting [service] ${identity.name}`);
  if (ignored.length > 0) log.warn(`${file} exports ${ignored.join(", ")}: without a meaning here`);
  if (definition.config !== undefined) await config.accept(definition.config);

  // what it may use
  const requestTimeoutMs = (): number => live().clientTimeoutMs;
  const options = { ...settings, processes: seat?.launch.of ?? 1, requestTimeoutMs, from, methods, env, log };
  const place = { service: identity.name, config: config.live, log };
  const outbound = stack.use(
    await openOutbound({ ...options, middleware: await stackedOut(definition, place) }),
  );
  const { transport, registry } = outbound;
  const opened = stack.use(
    await plugins.choose(plugins.brokers, "broker", settings.mesh.broker, {
      ...{ ...options, registry, source: `/${identity.name}` },
      ...(schema === undefined ? {} : { message: schema.message }),
    }),
  );
  const { inspect } = settings;
  const subscriptions = Object.keys(definition.subscribe ?? {});
  const seen =
    inspect && stack.use(openInspection({ inspect, broker: opened, config, subscriptions, log, env }));
  const broker = seen?.broker ?? opened;
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
  health.add("ready", "broker", () => {}, { note: () => broker.trouble() ?? broker.name });
  const { stats, middleware } = countCalls();
  const counts = seat?.sum(stats) ?? stats;
  const service = await assemble(identity, definition, schema, {
    health,
    stats: counts,
    log,
    registry,
    seen,
  });
  const api = await apiOf(service, settings);
  const handlers = createDispatch(service, {
    ...context,
    config: () => config.current,
    client: outbound.client,
  });
  const around = await stacked(definition, service, place);
  const answers = around.calls(handlers);
  const counted = seen?.count(answers) ?? answers;
  const dispatch = {
    grpc: middleware(limitTime(() => live().grpcTimeoutMs)(counted)),
    http: middleware(limitTime(() => live().httpTimeoutMs)(counted)),
  };
  warnOfMissing(service, log);

  // the module's own start; its stop comes after the last call
  const { start = () => {} } = definition;
  await theirs("start of the module", bounded("start of the module", Promise.try(start, context)));
  stack.defer(() => stopModule(definition, context, settings.drainTimeoutMs));

  // others of its kind are called already: probes that come to this one shall see no less
  if (seat?.launch.serving) health.setServing(true);

  // ports: closing them refuses new calls and waits for those under way; a job has one only when asked
  const wantsPorts = definition.job === undefined || asked.server.address !== undefined;
  const ports = wantsPorts
    ? stack.use(
        await openPorts({
          ...{ settings, live, host, transport, service, api, dispatch, around, definition, health },
          ...(seat === undefined ? {} : { shared: seat.launch.addresses === undefined ? "first" : "next" }),
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
  const { tls, tlsFiles: files } = settings;
  if (ports !== undefined && tls !== undefined && files !== undefined) {
    const { followTls } = await plugins.certificates.renewal();
    const take = (next: Partial<Tls>): void => ports.renew({ ...tls, ...next });
    stack.use(followTls({ files, prefix: "tls", first: tls, take, log }));
  }

  // events
  stack.use(await subscribeAll(broker, definition.subscribe ?? {}, identity.name, log));

  // others may find it
  if (ports !== undefined) {
    const names = { registry: registry.name, transport: transport.name, broker: broker.name };
    const { advertise } = settings.server;
    const own = { identity, service, subscriptions, ...ports, advertise, ...names };
    const instance = settings.mesh.register ? ownInstance(own) : undefined;
    stack.use(await announce({ instance, registry, settings, ports, seat, log }));
  }
  stack.defer(() => {
    health.setServing(false);
    log.info("draining: no longer ready");
  });
  health.setServing(true);
  onReady({ service, log, grpcAddress: ports?.grpcAddress, httpAddress: ports?.httpAddress });
  return { ended: definition.job === undefined ? new Promise(() => {}) : runJob(definition.job, context) };
}

/** A registry that cannot be reached makes nobody unready: what was last known holds. */
function stalenessNote(registry: Registry): string {
  const [since, trouble] = [registry.staleSince?.(), registry.trouble?.()];
  const age = since === undefined ? [] : [`last known ${Math.round((Date.now() - since) / 1000)} s ago`];
  return [registry.name, ...age, ...(trouble === undefined ? [] : [trouble])].join(", ");
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
