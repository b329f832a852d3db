/** Flags and variables of `run` → Settings. */
import { usageError } from "../errors.ts";
import type { LogFormat, LogLevel } from "../log.ts";
import type { Settings } from "../settings.ts";
import type { Tls } from "../transport/transport.ts";
import { readTls, type TlsFiles } from "./certificates.ts";
import type { Input } from "./command.ts";
import { clientFlags, lifeFlags, logFlags, meshFlags, portFlags, serviceFlags } from "./run-flags.ts";
import { wantsColor } from "./terminal.ts";
import { type Environment, type Given, readFlags } from "./values.ts";

/** @param module the handler module @throws MicrorunError `invalid_argument` */
export function readSettings(module: string, { given, rest, env }: Omit<Input, "words" | "host">): Settings {
  const service = readFlags(serviceFlags, given, env);
  const port = readFlags(portFlags, given, env);
  const client = readFlags(clientFlags, given, env);
  const mesh = readFlags(meshFlags, given, env);
  const life = readFlags(lifeFlags, given, env);
  return {
    module,
    args: rest,
    server: {
      metadata: service.server_metadata,
      ...present({
        name: service.server_name,
        version: service.server_version,
        id: service.server_id,
        address: port.server_address,
        advertise: port.server_advertise,
      }),
    },
    ...present({
      grpcAddress: port.grpc_address,
      httpAddress: port.http_address,
      healthAddress: port.health_address,
      tls: serverTls(port),
      proto: service.proto.length > 0 ? service.proto : undefined,
    }),
    maxMessageBytes: port.max_message_bytes,
    client: {
      requestTimeoutMs: client.client_request_timeout,
      retries: client.client_retries,
      poolSize: client.client_pool_size,
      poolTtlMs: client.client_pool_ttl,
    },
    register: { ttlMs: mesh.register_ttl, intervalMs: mesh.register_interval },
    registry: mesh.registry,
    registryAddress: mesh.registry_address,
    selector: mesh.selector,
    broker: mesh.broker,
    brokerAddress: mesh.broker_address,
    transport: mesh.transport,
    startTimeoutMs: life.start_timeout,
    drainDelayMs: life.drain_delay,
    drainTimeoutMs: life.drain_timeout,
    healthTimeoutMs: life.health_timeout,
    log: readLog(given, env),
  };
}

/** How to write log lines: on a terminal for people, else for machines. */
export function readLog(given: Given, env: Environment): Settings["log"] {
  const { log_level, log_format } = readFlags(logFlags, given, env);
  return {
    level: log_level as LogLevel,
    format: (log_format as LogFormat | undefined) ?? (process.stderr.isTTY ? "text" : "json"),
    color: wantsColor(env, process.stderr),
  };
}

function serverTls(files: TlsFiles): Tls | undefined {
  const { cert, key, ca } = readTls(files) ?? {};
  if (cert !== undefined && key !== undefined) return { cert, key, ...present({ ca }) };
  if (ca !== undefined)
    throw usageError("--tls_ca: useless without a certificate", "give --tls_cert and --tls_key too");
  return undefined;
}

/** The entries that have a value. */
function present<T extends object>(entries: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const there = Object.entries(entries).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
