/** 5,000 pods of a real API server: how soon they are known and what memory they take, beside client-go's informer. */
import { join } from "node:path";
import { compile } from "../scripts/build.ts";
import { type ControlPlane, ownControlPlane } from "../test/control-plane.ts";
import { peer } from "../test/peers.ts";
import type { Children } from "./children.ts";
import { type Figures, growthOfPods, timeToSynced } from "./figures.ts";

export interface Pods extends AsyncDisposable {
  /** Both watchers in turn. */
  measure(owned: Children, found: Figures): Promise<void>;
}

const podCount = 5000;
/** Requests under way while the pods are made. */
const makers = 16;
/** What a watcher may take. */
const limitMs = 60_000;
const root = join(import.meta.dir, "..");

/** Makes the pods, each with Go Micro's annotation, which takes about a minute. */
export async function openPods(): Promise<Pods> {
  const [plane, informer] = [await ownControlPlane(), await peer("informer")];
  if (plane === undefined || informer === undefined)
    throw new Error("there is no Go to build Kubernetes with");
  const namespace = await plane.namespace();
  await makePods(plane, namespace);
  const kubeconfig = plane.kubeconfig();
  const watcher = await compile(join(root, "bench/pods-watcher.ts"), join(root, "dist/bench/pods-watcher"));
  return {
    async measure(owned, found) {
      const ours = JSON.parse(await owned.run([watcher, kubeconfig, namespace], limitMs)) as {
        count: number;
        syncedMs: number;
        growthMb: number;
      };
      if (ours.count !== podCount) throw new Error(`${ours.count} instances found, not ${podCount}`);
      const command = [informer, `--kubeconfig=${kubeconfig}`, `--namespace=${namespace}`];
      const [line = ""] = (await owned.run(command, limitMs)).split("\n");
      const theirs = JSON.parse(line) as {
        synced_ms: number;
        pods: number;
        rss_kb: number;
        idle_rss_kb: number;
      };
      if (theirs.pods !== podCount) throw new Error(`${theirs.pods} pods in the informer, not ${podCount}`);
      found.add("pods", timeToSynced, "ms", "microrun", ours.syncedMs);
      found.add("pods", timeToSynced, "ms", "client-go", theirs.synced_ms);
      found.add("pods", growthOfPods, "MB", "microrun", ours.growthMb);
      found.add("pods", growthOfPods, "MB", "client-go", (theirs.rss_kb - theirs.idle_rss_kb) / 1000);
    },
    [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose](),
  };
}

async function makePods(plane: ControlPlane, namespace: string): Promise<void> {
  let made = 0;
  const make = async (): Promise<void> => {
    while (made < podCount) {
      made += 1;
      const name = `greeter-${made}`;
      const node = {
        id: name,
        address: `10.0.${made >> 8}.${made & 255}:8080`,
        metadata: { protocol: "grpc" },
      };
      const service = { name: "greeter", version: "latest", metadata: null, endpoints: [], nodes: [node] };
      await plane.pod(namespace, {
        name,
        labels: { "micro.mu/type": "service", "micro.mu/selector-greeter": "service" },
        annotations: { "micro.mu/service-greeter": JSON.stringify(service) },
      });
    }
  };
  await Promise.all(Array.from({ length: makers }, make));
}
