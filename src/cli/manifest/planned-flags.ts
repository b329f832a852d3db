/** The fields of a MicroService as the flags that they stand for. */
import type { MicroService } from "../../operator.ts";
import type { Given } from "../flags/values.ts";

/** @param mounts beside its own */
export function declaredFlags(service: MicroService, mounts: readonly string[] = []): Given {
  const { name, spec } = service;
  const { autoscale, networkPolicy, ports = {}, resources } = spec;
  const flags: Readonly<Record<string, readonly (string | number | boolean | undefined)[]>> = {
    name: [name],
    server_name: [spec.serverName],
    server_version: [spec.version],
    worker: [spec.worker],
    schedule: [spec.schedule],
    replicas: [spec.replicas],
    autoscale: [autoscale && `${autoscale.min}-${autoscale.max}`],
    registry: [spec.registry],
    registry_format: [spec.registryFormat],
    selector: [spec.selector],
    transport: [spec.transport],
    config: configSources(service),
    env: (spec.env ?? []).map(({ name, value = "" }) => `${name}=${value}`),
    env_from: (spec.envFrom ?? []).map(placeName),
    mount: [...mounts, ...(spec.mounts ?? []).map(({ path, ...place }) => `${path}=${placeName(place)}`)],
    cpu: [resources?.cpu],
    memory: [resources?.memory],
    server_address: [ports.main && `:${ports.main}`],
    grpc_address: [ports.grpc && `:${ports.grpc}`],
    http_address: [ports.http && `:${ports.http}`],
    health_address: [ports.health && `:${ports.health}`],
    headless: [spec.headless],
    grpc_probe: [spec.grpcProbe],
    service_account: [spec.serviceAccountName],
    image_pull_secret: spec.imagePullSecrets ?? [],
    network_policy: [networkPolicy?.toLowerCase()],
    inject: [spec.mesh],
  };
  const said = Object.entries(flags).flatMap(([flag, values]) => {
    // what is not so need not be said, and may have no meaning for what it is
    const texts = values.filter((value) => value !== undefined && value !== false).map(String);
    return texts.length === 0 ? [] : [[flag, texts] as const];
  });
  return new Map(said);
}

/** The one of the namespace that has its module or its configuration. */
export function configMapOf({ name, spec }: MicroService, part: "module" | "config"): string {
  return (part === "module" ? spec.module?.configMap : undefined) ?? `${name}-${part}`;
}

/** In the order in which the later win. */
function configSources(service: MicroService): string[] {
  const { configMaps = [], secrets = [], data } = service.spec.config ?? {};
  const sources = [
    ...configMaps.map((one) => `configmap:${one}`),
    ...secrets.map((one) => `secret:${one}`),
    ...(data === undefined ? [] : [`configmap:${configMapOf(service, "config")}`]),
  ];
  return sources.length === 0 ? [] : ["env:", ...sources];
}

function placeName({ configMap, secret }: { configMap?: string; secret?: string }): string {
  if (secret !== undefined) return `secret/${secret}`;
  return configMap === undefined ? "emptydir" : `configmap/${configMap}`;
}
