/** What the flags of a run make it ask of the API server. */
import type { ClusterNeeds, MeshSettings } from "../../settings.ts";
import type { Environment, Given } from "../flags/values.ts";
import { readConfigSettings } from "./config-settings.ts";

/** The usual ConfigMap of a cluster is among them where it is read: to grant the rest alone would take it away. */
export function clusterNeeds(mesh: MeshSettings, given: Given, env: Environment): ClusterNeeds {
  const { sources } = readConfigSettings(given, env);
  return { ...registryNeeds(mesh), sources: sources.filter((text) => /^(configmap|secret):/.test(text)) };
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
