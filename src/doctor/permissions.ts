/** Whether the API server allows all that the flags make a run ask of it. */
import type { Cluster, Reached, Right } from "./cluster.ts";
import { type Check, type Finding, fail, ok } from "./doctor.ts";

/** @param rights what is needed where the service is in that namespace */
export function permissionsCheck(
  reached: Reached,
  rights: (namespace: string) => Promise<readonly Right[]>,
): Check {
  return {
    name: "permission",
    async run(signal) {
      const cluster = await reached();
      if (cluster === undefined) return [];
      const needed = await rights(cluster.namespace);
      if (needed.length === 0) return [ok("none needed: nothing is asked of the API server")];
      return Promise.all(needed.map((right) => judge(cluster, right, signal)));
    },
  };
}

async function judge(cluster: Cluster, right: Right, signal: AbortSignal): Promise<Finding> {
  const missing = await cluster.missing(right, signal);
  if (missing.length === 0) return ok(rightText(right));
  const without = rightText({ ...right, verbs: missing });
  return fail(`may not ${without}`, "apply the Role below", await cluster.grant(right, missing));
}

export function rightText({ apiGroup, resource, verbs, namespace, name }: Right): string {
  const kind = apiGroup === "" ? resource : `${resource}.${apiGroup}`;
  const which = name === undefined ? kind : `${kind}/${name}`;
  return `${verbs.join(", ")} ${which} ${namespace === undefined ? "in all namespaces" : `in ${namespace}`}`;
}
