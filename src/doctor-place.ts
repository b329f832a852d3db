/** What the doctor looks at in the place where it runs: limits, the registry, ports, what carries events. */
import { totalmem } from "node:os";
import { brokerCheck, type NatsFacts } from "./doctor/broker.ts";
import type { Check } from "./doctor/doctor.ts";
import { advertisedCheck, type Listening, portsCheck } from "./doctor/ports.ts";
import { limitsCheck, openFiles } from "./doctor/process-limits.ts";
import { registryCheck } from "./doctor/registry.ts";
import type { Settings } from "./settings.ts";
import { above, cgroupRoot, cpuLimit, readText } from "./workers/cpu-limit.ts";
import { memoryLimits } from "./workers/memory-limit.ts";

export interface PlaceExamined {
  /** As a run here would have them. */
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** It is served, and does not only run. */
  readonly opensPorts: boolean;
}

export const limits: Check = limitsCheck(() => ({
  files: openFiles(readText("/proc/self/limits") ?? ""),
  // a number beyond what there is means none
  memoryBytes: least(memoryLimits().filter((bytes) => bytes < totalmem())),
  cores: cpuLimit(),
  processes: least(processLimits()),
}));

/** Where nothing else was said. */
const usualAddress = ":8080";
const usualBrokerAddress = ":10001";

export function placeChecks({ settings, env, opensPorts }: PlaceExamined): Check[] {
  const { server, mesh } = settings;
  const inCluster = Boolean(env.KUBERNETES_SERVICE_HOST);
  const listen = settings.grpcAddress ?? server.address ?? usualAddress;
  const beyond = inCluster || (mesh.register && ["mdns", "kubernetes"].includes(mesh.registry));
  return [
    registryCheck({ name: mesh.registry, inCluster, local: () => localFolder(mesh.registryAddress, env) }),
    portsCheck(opensPorts ? listeningOf(settings, inCluster) : []),
    advertisedCheck(opensPorts ? { advertise: server.advertise, listen, beyond } : undefined),
    brokerCheck(mesh.broker === "nats" ? () => natsFacts(mesh.brokerAddress) : undefined),
  ];
}

/** A port that is picked freely is free. */
function listeningOf(settings: Settings, inCluster: boolean): Listening[] {
  const { server, grpcAddress, httpAddress, healthAddress, mesh } = settings;
  const [broker] = mesh.brokerAddress;
  const asked: readonly (readonly [flag: string, address: string | undefined, usual: string])[] = [
    ...(grpcAddress !== undefined && httpAddress !== undefined
      ? []
      : [["server_address", server.address, usualAddress] as const]),
    ...(grpcAddress === undefined ? [] : [["grpc_address", grpcAddress, ""] as const]),
    ...(httpAddress === undefined ? [] : [["http_address", httpAddress, ""] as const]),
    ...(healthAddress === undefined ? [] : [["health_address", healthAddress, ""] as const]),
    ...(mesh.broker === "http" && (broker !== undefined || inCluster)
      ? [["broker_address", broker, usualBrokerAddress] as const]
      : []),
  ];
  const all = asked.map(([flag, address, usual]) => ({
    flag,
    address: address ?? usual,
    replaceable: address === undefined && (!inCluster || flag === "broker_address"),
    alone: inCluster,
  }));
  return all.filter(
    ({ address }, at) =>
      !address.endsWith(":0") && all.findIndex((other) => other.address === address) === at,
  );
}

async function localFolder(
  addresses: readonly string[],
  env: PlaceExamined["env"],
): Promise<{ readonly folder: string; readonly make: () => Promise<void> }> {
  const { localPlace } = await import("./registry/local-place.ts");
  const { leaseFolder } = await import("./registry/local-folder.ts");
  const folder = localPlace(addresses, env);
  return { folder, make: () => leaseFolder(folder).make() };
}

async function natsFacts(addresses: readonly string[]): Promise<NatsFacts> {
  const { parseNatsAddress } = await import("./broker/nats-address.ts");
  const { servers, stream, options } = parseNatsAddress(addresses);
  return { servers, stream, login: options.authenticator !== undefined };
}

/** pids.max, of this process's cgroup and those above it. */
function processLimits(): number[] {
  const lines = (readText("/proc/self/cgroup") ?? "0::/").split("\n");
  return lines
    .flatMap((line) => {
      const [, controllers, path = "/"] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      if (controllers === "") return above(path).map((at) => `${cgroupRoot}${at}/pids.max`);
      return controllers === "pids" ? above(path).map((at) => `${cgroupRoot}/pids${at}/pids.max`) : [];
    })
    .map((file) => Number(readText(file)?.trim() || "max"))
    .filter((count) => count > 0);
}

function least(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values);
}
