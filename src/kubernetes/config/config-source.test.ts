import { expect, test } from "bun:test";
import type { ConfigData } from "../../config/config.ts";
import { MicrorunError } from "../../errors.ts";
import { silentLog } from "../../log.ts";
import type { Cluster } from "../api/cluster.ts";
import { type ConfigMapSourceOptions, configMapSource } from "./config-source.ts";

const options: Omit<ConfigMapSourceOptions, "address"> = {
  kind: "configmap",
  kubernetes: {},
  read: (entries) => ({ ...entries }),
  env: { HOME: "/nowhere" },
  log: silentLog,
};
const address = (query: Record<string, string> = {}) => ({
  text: "configmap:micro",
  path: "micro",
  query: new Map(Object.entries(query)),
});

/** All that it says until it ends. */
async function said(source: ReturnType<typeof configMapSource>, signal = new AbortController().signal) {
  const trees: ConfigData[] = [];
  const faults: (MicrorunError | undefined)[] = [];
  try {
    for await (const tree of source.watch(signal, (fault) => faults.push(fault))) trees.push(tree);
    return { trees, faults };
  } catch (error) {
    return { trees, faults, error };
  }
}

test("without a cluster an optional source is empty and ends, any other throws; both say why", async () => {
  const { trees, faults, error } = await said(
    configMapSource({ ...options, address: address({ optional: "" }) }),
  );
  expect([trees.length, Object.keys(trees[0]!), error]).toEqual([1, [], undefined]);
  expect(faults).toMatchObject([
    { code: "failed_precondition", message: expect.stringContaining("no cluster found") },
  ]);
  const other = await said(configMapSource({ ...options, address: address() }));
  expect(other).toMatchObject({
    trees: [],
    faults: [{ code: "failed_precondition" }],
    error: other.faults[0]!,
  });
});

test("an address that cannot be one is refused before anything is opened", () => {
  expect(() => configMapSource({ ...options, address: address({ labels: "a" }) })).toThrow(
    /a name and labels/,
  );
});

test("what it says of itself is what its address says", () => {
  expect(configMapSource({ ...options, address: address({ required: "" }) })).toMatchObject({
    name: "configmap:micro",
    secret: false,
    required: true,
    optional: false,
  });
  expect(configMapSource({ ...options, kind: "secret", address: address() }).secret).toBe(true);
});

test("a watch that is stopped ends and gives its cluster back, also while nothing was answered", async () => {
  const stop = new AbortController();
  let closed = 0;
  const asked = Promise.withResolvers<unknown>();
  const cluster = async (): Promise<Cluster> => ({
    server: "https://cluster.example",
    namespace: "shop",
    request: async (_method, path, given) => {
      asked.resolve([path, given?.query]);
      return await new Promise((_, reject) => {
        given?.signal?.addEventListener("abort", () => reject(new MicrorunError("cancelled", "stopped")));
      });
    },
    watch: async function* () {},
    [Symbol.asyncDispose]: async () => {
      closed++;
    },
  });
  const ended = said(configMapSource({ ...options, address: address(), cluster }), stop.signal);
  expect(await asked.promise).toEqual([
    "/api/v1/namespaces/shop/configmaps",
    { fieldSelector: "metadata.name=micro", limit: "500" },
  ]);
  stop.abort();
  expect(await ended).toEqual({ trees: [], faults: [] });
  expect(closed).toBe(1);
});
