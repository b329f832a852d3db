/** What the flags of a run make it ask of the API server. */
import type { ClusterNeeds, MeshSettings } from "../settings.ts";
import { configFlags } from "./config-flags.ts";
import { type Environment, type Given, readFlags } from "./values.ts";

/** The usual ConfigMap of a cluster is not among them: that it may be read is not needed. */
export function clusterNeeds(mesh: MeshSettings, given: Given, env: Environment): ClusterNeeds {
  const { config } = readFlags({ config: configFlags.config }, given, env);
  return { ...registryNeeds(mesh), sources: config.filter((text) => /^(configmap|secret):/.test(text)) };
}

export function registryNeeds(
  mesh: Pick<MeshSettings, "registry" | "register" | "selector">,
): Pick<ClusterNeeds, "register" | "discover"> {
  const used = mesh.registry === "kubernetes";
  return {
    register: used && mesh.register,
    discover: used && !["static", "dns"].includes(mesh.selector),
  };
}
