/** A Lease of the cluster (coordination.k8s.io) as the place where is written who leads. */
import { MicrorunError } from "../errors.ts";
import type { LeaseRecord, LeaseStore } from "./election.ts";
import type { OperatorCluster, Seen } from "./operator.ts";

export function clusterLease(
  cluster: Pick<OperatorCluster, "request">,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): LeaseStore {
  const folder = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  /** As it is, whatever else is in it. */
  let last: Seen;
  const taken = (lease: Seen): LeaseRecord => {
    last = lease;
    const { holderIdentity, leaseDurationSeconds } = lease.spec ?? {};
    return {
      holder: holderIdentity ?? "",
      durationMs: (leaseDurationSeconds ?? 0) * 1000,
      version: lease.metadata.resourceVersion,
    };
  };
  return {
    name: `${namespace}/${name}`,
    async read(signal) {
      try {
        return taken(await cluster.request("GET", `${folder}/${name}`, { signal }));
      } catch (error) {
        if (MicrorunError.from(error).code === "not_found") return undefined;
        throw error;
      }
    },
    async write({ holder, durationMs }, before, signal) {
      const now = new Date().toISOString().replace("Z", "000Z");
      const { holderIdentity, acquireTime, leaseTransitions = 0 } = before ? last.spec : {};
      const same = holderIdentity === holder;
      const spec = {
        holderIdentity: holder,
        leaseDurationSeconds: Math.ceil(durationMs / 1000),
        acquireTime: same ? acquireTime : now,
        renewTime: now,
        leaseTransitions:
          same || before === undefined || holder === "" ? leaseTransitions : leaseTransitions + 1,
      };
      if (before === undefined) {
        const body = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name }, spec };
        return taken(await cluster.request("POST", folder, { body, signal }));
      }
      const { apiVersion, kind, metadata } = last;
      const body = { apiVersion, kind, metadata: { ...metadata, resourceVersion: before.version }, spec };
      return taken(await cluster.request("PUT", `${folder}/${name}`, { body, signal }));
    },
  };
}
