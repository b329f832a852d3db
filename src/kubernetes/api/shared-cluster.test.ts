import { expect, test } from "bun:test";
import type { Cluster } from "./cluster.ts";
import { sharedCluster } from "./shared-cluster.ts";

/** The edge of the network: opened and closed are counted. */
function counted() {
  const counts = { opened: 0, closed: 0 };
  const open = async (): Promise<Cluster> => {
    counts.opened++;
    return {
      server: "https://cluster.example",
      namespace: "shop",
      request: async () => counts.opened,
      watch: async function* () {},
      [Symbol.asyncDispose]: async () => {
        counts.closed++;
      },
    };
  };
  return { counts, open };
}

test("a cluster is opened for the first user, closed after the last, and opened again for the next", async () => {
  const { counts, open } = counted();
  const share = sharedCluster(open);
  const [one, two] = await Promise.all([share(), share()]);
  expect(await two!.request("GET", "/")).toBe(1);
  await one![Symbol.asyncDispose]();
  await one![Symbol.asyncDispose]();
  expect(counts).toEqual({ opened: 1, closed: 0 });
  await two![Symbol.asyncDispose]();
  expect(counts).toEqual({ opened: 1, closed: 1 });
  await using _three = await share();
  expect(counts).toEqual({ opened: 2, closed: 1 });
});

test("one that cannot be opened is tried again by the next", async () => {
  const { counts, open } = counted();
  const faults = [new Error("no cluster")];
  const share = sharedCluster(async () => {
    const fault = faults.pop();
    if (fault !== undefined) throw fault;
    return await open();
  });
  await expect(share()).rejects.toThrow("no cluster");
  {
    await using _cluster = await share();
  }
  expect(counts).toEqual({ opened: 1, closed: 1 });
});
