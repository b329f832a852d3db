/** Flags and variables of `run`, and what configuration says in their place → Settings. */

import { readTls, type TlsFiles } from "../../certificates/certificates.ts";
import { MicrorunError, usageError } from "../../errors.ts";
import type { LogFormat, LogLevel } from "../../log.ts";
import type { ClientSettings, LiveSettings, MeshSettings, Settings, Settle } from "../../settings.ts";
import type { Tls } from "../../transport/transport.ts";
import { discoveryFlags } from "../flags/discovery-flags.ts";
import { flagsOf } from "../flags/flags.ts";
import { givenFlags, inspectFlags } from "../flags/inspect-flags.ts";
import { limitFlags } from "../flags/limit-flags.ts";
import {
  brokerFlags,
  clientFlags,
  lifeFlags,
  logFlags,
  portFlags,
  runGroups,
  serviceFlags,
  transportFlags,
} from "../flags/run-flags.ts";
import { servingFlags } from "../flags/serving-flags.ts";
import { type Environment, type FromConfig, type Given, readFlags } from "../flags/values.ts";
import type { Input } from "./command.ts";
import { readConfigSettings } from "./config-settings.ts";
import { readConfigured } from "./configured.ts";
import { clusterNeeds } from "./needs.ts";
import { versionLine } from "./self.ts";
import { wantsColor } from "./terminal.ts";

/** What the flags are read from. */
export type Line = Omit<Input, "words" | "host">;

/** The settings under a configuration. */
export function settling(module: string, line: Line): Settle {
  return (configured) => {
    const { fromConfig, fixed, faults, notes } = readConfigured(configured, line.given, line.env);
    const [first, ...more] = faults;
    if (first !== undefined && more.length === 0) throw first;
    if (first !== undefined)
      throw new MicrorunError(
        "failed_precondition",
        faults.map(({ message, hint }) => `${message}${hint ? ` (${hint})` : ""}`).join("; "),
      );
    return { ...readSettings(module, line, fromConfig, fixed), notes };
  };
}

/** @param module the handler module @throws MicrorunError `invalid_argument` */
export function readSettings(
  module: string,
  { given, rest, env }: Line,
  fromConfig: FromConfig = new Map(),
  fixed: Settings["fixed"] = {},
): Settings {
  const service = readFlags(serviceFlags, given, env);
  const port = readFlags(portFlags, given, env, fromConfig);
  const { transport } = readFlags(transportFlags, given, env);
  const limits = readFlags(limitFlags, given, env);
  const life = readFlags(lifeFlags, given, env);
  const log = readLog(given, env, fromConfig);
  const mesh = readMesh(given, env, fromConfig);
  const config = readConfigSettings(given, env);
  return {
    module,
    args: rest,
    workers: service.workers,
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
      tlsFiles: port.tls_cert === undefined ? undefined : tlsFiles(port),
      maxBufferBytes: limits.max_buffer_bytes,
      proto: service.proto.length > 0 ? service.proto : undefined,
    }),
    maxMessageBytes: port.max_message_bytes,
    docs: readFlags(servingFlags, given, env).docs,
    limits: {
      maxConnections: limits.max_connections,
      maxStreams: limits.max_concurrent_streams,
      maxCalls: limits.max_concurrent_calls,
      maxHeaderBytes: limits.max_header_bytes,
      maxAgeMs: limits.max_connection_age,
      ageGraceMs: limits.max_connection_age_grace,
      idleMs: limits.max_connection_idle,
      keepaliveMs: limits.keepalive_time,
      keepaliveTimeoutMs: limits.keepalive_timeout,
    },
    client: readClient(given, env),
    mesh: { ...mesh, kubernetes: { ...mesh.kubernetes, needs: clusterNeeds(mesh, given, env) } },
    transport,
    startTimeoutMs: life.start_timeout,
    drainDelayMs: life.drain_delay,
    drainTimeoutMs: life.drain_timeout,
    healthTimeoutMs: life.health_timeout,
    log: { format: log.format, color: log.color },
    config,
    ...present({ inspect: inspection(given, env) }),
    live: { ...readLive(given, env, fromConfig), logLevel: log.level },
    fixed,
  };
}

function inspection(given: Given, env: Environment): Settings["inspect"] {
  if (!readFlags(inspectFlags, given, env).inspect) return undefined;
  return { runtime: versionLine(), flags: givenFlags(flagsOf(runGroups), given, env) };
}

/** What may change while the service runs. */
function readLive(given: Given, env: Environment, fromConfig: FromConfig): Omit<LiveSettings, "logLevel"> {
  const serving = readFlags(servingFlags, given, env, fromConfig);
  const { client_request_timeout } = readFlags(clientFlags, given, env, fromConfig);
  return {
    grpcTimeoutMs: serving.grpc_timeout,
    httpTimeoutMs: serving.http_timeout,
    clientTimeoutMs: client_request_timeout,
    cors: {
      origins: serving.cors_origins,
      methods: serving.cors_methods,
      headers: serving.cors_headers,
    },
  };
}

/** How to write log lines: on a terminal for people, else for machines. */
export function readLog(
  given: Given,
  env: Environment,
  fromConfig: FromConfig = new Map(),
): Settings["log"] & { readonly level: LogLevel } {
  const { log_level, log_format } = readFlags(logFlags, given, env, fromConfig);
  return {
    level: log_level as LogLevel,
    format: (log_format as LogFormat | undefined) ?? (process.stderr.isTTY ? "text" : "json"),
    color: wantsColor(env, process.stderr),
  };
}

/** How calls to other services are made. */
export function readClient(given: Given, env: Environment): ClientSettings {
  const flags = readFlags(clientFlags, given, env);
  const { client_tls_cert: cert, client_tls_key: key, client_tls_ca: ca } = flags;
  const tls = readTls({ cert, key, ca }, "client_tls");
  return {
    retries: flags.client_retries,
    poolSize: flags.client_pool_size,
    poolTtlMs: flags.client_pool_ttl,
    keepaliveMs: flags.client_keepalive_time,
    keepaliveTimeoutMs: flags.client_keepalive_timeout,
    gzip: flags.client_compression === "gzip",
    ...(tls === undefined ? {} : { tls, tlsFiles: { cert, key, ca } }),
  };
}

/** How services find each other. */
export function readMesh(given: Given, env: Environment, fromConfig: FromConfig = new Map()): MeshSettings {
  const flags = readFlags(discoveryFlags, given, env, fromConfig);
  const { broker, broker_address } = readFlags(brokerFlags, given, env);
  const selector = flags.selector ?? usualSelector(flags.registry, env);
  if (selector === "hash" && flags.selector_key === undefined)
    throw usageError(
      "--selector=hash: chooses by a metadata key",
      "name it, such as --selector_key=x-user-id",
    );
  return {
    registry: flags.registry ?? usualRegistry(selector, env),
    registryAddress: flags.registry_address,
    registryFormat: flags.registry_format as MeshSettings["registryFormat"],
    register: flags.register,
    registerTtlMs: flags.register_ttl,
    registerIntervalMs: flags.register_interval,
    selector,
    selectorKey: flags.selector_key ?? "",
    kubernetes: present({
      kubeconfig: flags.kubeconfig,
      context: flags.kubernetes_context,
      namespace: flags.kubernetes_namespace,
    }),
    broker,
    brokerAddress: broker_address,
    ...present({ zone: flags.zone }),
  };
}

/** In a cluster Kubernetes' Services balance, unless a registry was asked for. */
function usualSelector(registry: string | undefined, env: Environment): string {
  const asks = registry !== undefined && registry !== "memory";
  return env.KUBERNETES_SERVICE_HOST && !asks ? "static" : "p2c";
}

/** In a cluster nothing asks the API server, and so needs no permission, unless a selector has to. */
function usualRegistry(selector: string, env: Environment): string {
  if (!env.KUBERNETES_SERVICE_HOST) return "local";
  return ["static", "dns"].includes(selector) ? "memory" : "kubernetes";
}

type TlsFlags = { readonly [K in "tls_cert" | "tls_key" | "tls_ca"]: string | undefined };

function tlsFiles(port: TlsFlags): TlsFiles {
  return { cert: port.tls_cert, key: port.tls_key, ca: port.tls_ca };
}

function serverTls(port: TlsFlags): Tls | undefined {
  const { cert, key, ca } = readTls(tlsFiles(port)) ?? {};
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
