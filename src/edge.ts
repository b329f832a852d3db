/** The life of what stands between callers and services, the gateway and the proxy: no module, one port, the same stop as a service. */
import type { Dispatch, Fetch } from "./call.ts";
import { errorText } from "./errors.ts";
import { createHealth, type HealthChecks } from "./health/checks.ts";
import { createLog, type LogSink } from "./log.ts";
import { type Outbound, openOutbound } from "./outbound.ts";
import * as plugins from "./plugins.ts";
import { takeSignals } from "./runtime/signals.ts";
import { composeService, type Part } from "./service/compose.ts";
import type { Service } from "./service/service.ts";
import type { Settings } from "./settings.ts";
import { aborted, pause } from "./wait.ts";
import type { WebSocketHandler } from "./web-socket.ts";

export interface EdgeSettings extends Settings {
  /** Where it listens. */
  readonly address: string;
}

/** What answers may be made of. */
export interface EdgeParts {
  readonly outbound: Outbound;
  readonly health: HealthChecks;
  readonly log: LogSink;
}

/** What answers at the port. Health does in any case. */
export interface Answers {
  readonly service: Service;
  readonly dispatch: Dispatch;
  /** @default nothing else */
  readonly fetch?: Fetch;
  readonly websocket?: WebSocketHandler;
}

/**
 * Resolves with the exit code when it has ended.
 * @param name told to services, and in the log
 * @throws MicrorunError when it cannot start
 */
export async function runEdge(
  name: string,
  settings: EdgeSettings,
  make: (parts: EdgeParts) => Promise<Answers>,
): Promise<number> {
  const level = settings.live.logLevel;
  const log = createLog({ write: (line) => process.stderr.write(`${line}\n`), ...settings.log, level });
  using signals = takeSignals(log);
  {
    await using stack = new AsyncDisposableStack();
    const { clientTimeoutMs } = settings.live;
    const outbound = stack.use(
      await openOutbound({
        ...settings,
        ...{ requestTimeoutMs: () => clientTimeoutMs, from: name, env: process.env, log },
      }),
    );
    const health = createHealth({ timeoutMs: settings.healthTimeoutMs, log });
    const server = stack.use(
      await listen(settings, await make({ outbound, health, log }), { outbound, health, log }),
    );
    stack.defer(async () => {
      health.setServing(false);
      log.info("draining: no longer ready");
      await pause(settings.drainDelayMs);
    });
    health.setServing(true);
    log.info(`${name} is ready at ${server.address}`);
    await aborted(signals.stop);
    log.info(`stopping: ${errorText(signals.stop.reason)}`);
  }
  log.info("stopped");
  return signals.failed ? 1 : 0;
}

/** A service that answers nothing but what its parts do. */
export function edgeService(name: string, parts: readonly Part[]): Service {
  return composeService(
    { name, version: "latest", id: `${name}-${crypto.randomUUID()}`, metadata: {} },
    parts,
  );
}

async function listen(
  settings: EdgeSettings,
  { service, dispatch, fetch, websocket }: Answers,
  { outbound, health, log }: EdgeParts,
): Promise<AsyncDisposable & { readonly address: string }> {
  const { address, drainTimeoutMs, maxMessageBytes, limits, tls, tlsFiles: files } = settings;
  const { createHealthApp } = await plugins.http.app();
  const { healthPaths } = await plugins.http.health();
  const { createWeb } = await plugins.http.web();
  const own = createHealthApp(health);
  const answer: Fetch = (request, ...more) => {
    const isHealth = healthPaths.includes(new URL(request.url).pathname);
    return (isHealth ? own : (fetch ?? own))(request, ...more);
  };
  await using opened = new AsyncDisposableStack();
  const web = createWeb({ fetch: answer, websocket, drainTimeoutMs, leaving: () => !health.serving, log });
  const security = tls === undefined ? {} : { tls };
  const server = await outbound.transport.listen(service, dispatch, {
    ...{ address, web, maxMessageBytes, drainTimeoutMs, limits, log },
    ...security,
  });
  // both drain at the same time
  opened.defer(
    async () => void (await Promise.all([web[Symbol.asyncDispose](), server[Symbol.asyncDispose]()])),
  );
  log.info(`Server [${fetch === undefined ? "grpc" : "http"}] Listening on ${server.address}`);
  if (files !== undefined && tls !== undefined) {
    const { followTls } = await plugins.certificates.renewal();
    const take = (next: Partial<typeof tls>): void => server.renew?.({ ...tls, ...next });
    opened.use(followTls({ files, prefix: "tls", first: tls, take, log }));
  }
  const stack = opened.move();
  return { address: server.address, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
