/** Lists and watches all pods of a namespace as the Kubernetes registry does; prints what that took as one line of JSON, then waits. */
import { kubernetesRegistry } from "../src/kubernetes/registry/registry.ts";
import { silentLog } from "../src/log.ts";

const [kubeconfig = "", namespace = ""] = process.argv.slice(2);
/** After it memory is what the registry holds, not what reading the list took. */
const settleMs = 2000;

const settled = async (): Promise<number> => {
  Bun.gc(true);
  await Bun.sleep(settleMs);
  Bun.gc(true);
  return process.memoryUsage.rss();
};

const options = {
  kubeconfig,
  namespace,
  format: "micro",
  intervalMs: 30_000,
  env: {},
  log: silentLog,
} as const;
await using registry = await kubernetesRegistry(options);
const before = await settled();
const began = performance.now();
const known = await registry.list();
const syncedMs = performance.now() - began;
const growth = (await settled()) - before;
console.log(JSON.stringify({ count: known.length, syncedMs, growthMb: growth / 1e6 }));
