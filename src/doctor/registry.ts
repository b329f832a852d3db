/** Whether the registry can be used that is no cluster: a folder of this machine, or multicast. */
import { createSocket } from "node:dgram";
import { access, constants } from "node:fs/promises";
import { type Check, type Finding, fail, failure, ok, warn } from "./doctor.ts";

export interface RegistryFacts {
  readonly name: string;
  readonly inCluster: boolean;
  /** Where `local` writes. `make` makes that folder, and rejects where it cannot be used. */
  readonly local: () => Promise<{ readonly folder: string; readonly make: () => Promise<void> }>;
}

/** Of multicast DNS. */
const group = "224.0.0.251";

export function registryCheck(facts: RegistryFacts): Check {
  return {
    name: "registry",
    async run() {
      const { name, local, inCluster } = facts;
      if (name === "mdns") return [judgeMulticast(await multicastFault())];
      if (name !== "local") return [ok(name)];
      const { folder, make } = await local();
      try {
        await make();
        await access(folder, constants.W_OK | constants.X_OK);
      } catch (error) {
        return [
          { todo: "set XDG_RUNTIME_DIR to a folder that this user alone may write to", ...failure(error) },
        ];
      }
      return [judgeFolder(folder, inCluster)];
    },
  };
}

export function judgeFolder(folder: string, inCluster: boolean): Finding {
  if (!inCluster) return ok(`local in ${folder}`);
  return warn(
    `local in ${folder}: no other Pod sees it`,
    "use --registry=kubernetes, or leave --registry out",
  );
}

export function judgeMulticast(fault: string | undefined): Finding {
  if (fault === undefined) return ok(`mdns, multicast to ${group}`);
  return fail(
    `mdns: no multicast to ${group}: ${fault}`,
    "use --registry=local on one machine, --registry=kubernetes in a cluster",
  );
}

async function multicastFault(): Promise<string | undefined> {
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  const done = Promise.withResolvers<string | undefined>();
  const failed = (error: unknown): void =>
    done.resolve((error as NodeJS.ErrnoException).code ?? String(error));
  socket.once("error", failed);
  socket.bind(0, () => {
    try {
      socket.addMembership(group);
      socket.send(new Uint8Array(12), 5353, group, (error) =>
        error ? failed(error) : done.resolve(undefined),
      );
    } catch (error) {
      failed(error);
    }
  });
  const fault = await done.promise;
  socket.close();
  return fault;
}
