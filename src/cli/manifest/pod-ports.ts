/** The ports that the flags of a run open in its Pod, and how kubelet asks there. */
import { parseAddress } from "../../address.ts";
import { usageError } from "../../errors.ts";
import type { Port, Probes } from "../../shipping.ts";
import { readMesh } from "../command/settings.ts";
import { lifeFlags, portFlags } from "../flags/run-flags.ts";
import { type Environment, type Given, readFlags } from "../flags/values.ts";

export interface PodPorts {
  readonly ports: readonly Port[];
  readonly probes: Probes;
  /** Flags that the run needs beside those given. */
  readonly args: readonly string[];
}

const defaultAddress = ":8080";

/** Opened for kubelet, which brings no certificate: the first that is free. */
const healthPorts = [8081, 8082, 8083];

/** @throws MicrorunError `invalid_argument` for an address that nobody outside the Pod can reach */
export function podPorts(given: Given, env: Environment, grpcProbe: boolean): PodPorts {
  const flags = readFlags(portFlags, given, env);
  const life = readFlags(lifeFlags, given, env);
  const main = portOf("server_address", flags.server_address ?? defaultAddress);
  const grpc = flags.grpc_address === undefined ? main : portOf("grpc_address", flags.grpc_address);
  const http = flags.http_address === undefined ? main : portOf("http_address", flags.http_address);
  const apart = grpc !== http;
  const tls = flags.tls_cert !== undefined;
  const closed = flags.tls_ca !== undefined && flags.health_address === undefined;
  const health = closed
    ? healthPorts.find((port) => port !== grpc && port !== http)
    : flags.health_address === undefined
      ? undefined
      : portOf("health_address", flags.health_address);
  if (!closed && health !== undefined && (health === grpc || health === http))
    throw usageError(
      `--health_address=${flags.health_address}: port ${health} serves calls already, and answers probes too`,
      "leave it out, or give another port, such as --health_address=:8081",
    );
  if (grpcProbe && tls)
    throw usageError("--grpc_probe: kubelet speaks no TLS there", "leave it out: probes go by HTTPS then");
  return {
    ports: [
      { name: "grpc", port: grpc, appProtocol: tls ? "https" : "kubernetes.io/h2c" },
      ...(apart ? [{ name: "http", port: http, appProtocol: tls ? "https" : "http" }] : []),
      ...(health === undefined ? [] : [{ name: "health", port: health }]),
    ],
    probes: {
      port: health !== undefined ? "health" : apart ? "http" : "grpc",
      tls: tls && health === undefined,
      ...(grpcProbe ? { grpcPort: grpc } : {}),
      // the module's loading and its own start take so long each
      startSeconds: seconds(2 * life.start_timeout),
      timeoutSeconds: seconds(life.health_timeout) + 1,
    },
    args: closed ? [`--health_address=:${health}`] : [],
  };
}

/** In a cluster events come to a Pod of their own port, when they are carried by http. */
const eventsAddress = ":10001";

/** Where other Pods post the events that a module subscribes to. Undefined: no broker of its own listens. */
export function eventPort(given: Given, env: Environment): Port | undefined {
  const { broker, brokerAddress, registry, registryFormat } = readMesh(given, env);
  if (broker !== "http" || registry !== "kubernetes" || registryFormat !== "micro") return undefined;
  const [address = eventsAddress] = brokerAddress;
  return { name: "broker", port: portOf("broker_address", address), amongPods: true };
}

function portOf(flag: string, text: string): number {
  const { path, ...address } = parseAddress(text) as { path?: string; host?: string; port: number };
  const refused = (why: string) =>
    usageError(`--${flag}=${text}: ${why}`, `give a port on all interfaces, such as --${flag}=:8080`);
  if (path !== undefined) throw refused("nobody outside the Pod can reach a socket");
  if (/^(localhost|127\.|::1$)/.test(address.host ?? ""))
    throw refused("nobody outside the Pod can reach it");
  if (address.port === 0) throw refused("a Service needs a port that is known");
  return address.port;
}

/** What the run may take to stop; the module's own stop is bounded as the calls are. */
export function graceSeconds(given: Given, env: Environment): number {
  const { drain_delay, drain_timeout } = readFlags(lifeFlags, given, env);
  return seconds(drain_delay + 2 * drain_timeout) + marginSeconds;
}

/** For all that has no bound of its own: configuration, connections, the registry. */
const marginSeconds = 5;

function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
