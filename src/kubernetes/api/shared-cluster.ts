/** One connection to the API server for several users: opened by the first, closed by the last. */
import type { Cluster } from "./cluster.ts";

/** @returns what gives a handle; disposing that gives it back */
export function sharedCluster(open: () => Promise<Cluster>): () => Promise<Cluster> {
  let opened: Promise<Cluster> | undefined;
  let users = 0;

  const leave = async (from: Promise<Cluster>): Promise<void> => {
    users--;
    if (users > 0) return;
    opened = undefined;
    await (await from)[Symbol.asyncDispose]();
  };

  return async () => {
    users++;
    opened ??= open();
    const mine = opened;
    try {
      const cluster = await mine;
      let given = true;
      return {
        server: cluster.server,
        namespace: cluster.namespace,
        request: cluster.request,
        watch: cluster.watch,
        async [Symbol.asyncDispose]() {
          if (!given) return;
          given = false;
          await leave(mine);
        },
      };
    } catch (error) {
      users--;
      if (opened === mine) opened = undefined;
      throw error;
    }
  };
}
