/** Events by HTTP under the kubernetes registry: a Pod tells of its service and of all its subscriptions, and publishers find them. */
import { describe, expect, test } from "bun:test";
import { kubernetesRegistry } from "../src/kubernetes/registry/registry.ts";
import { silentLog } from "../src/log.ts";
import type { Registry } from "../src/registry/registry.ts";
import { openHttpBroker } from "./brokers.ts";
import { type ControlPlane, controlPlane } from "./control-plane.ts";

const plane = await controlPlane();

async function until(holds: () => boolean, ms = 10_000): Promise<void> {
  for (const end = Date.now() + ms; !holds(); await Bun.sleep(10))
    if (Date.now() > end) throw new Error(`not so after ${ms} ms: ${holds}`);
}

async function inNewPod(cluster: ControlPlane, namespace: string) {
  const pod = await cluster.pod(namespace);
  const registry: Registry = await kubernetesRegistry({
    kubeconfig: cluster.kubeconfig({ namespace }),
    format: "micro",
    intervalMs: 30_000,
    env: { HOSTNAME: pod.name },
    log: silentLog,
  });
  return { pod, registry };
}

describe.skipIf(!plane)("events over HTTP in Kubernetes", () => {
  test("a Pod announces its service and its subscriptions side by side, and each reaches the right handlers", async () => {
    const namespace = await plane!.namespace();
    await using stack = new AsyncDisposableStack();
    const [a, b, boss] = [
      await inNewPod(plane!, namespace),
      await inNewPod(plane!, namespace),
      await inNewPod(plane!, namespace),
    ];
    for (const { registry } of [a, b, boss]) stack.use(registry);
    const got: string[] = [];
    const subscriptions: AsyncDisposable[] = [];
    for (const [who, { registry }] of [
      ["a", a],
      ["b", b],
    ] as const) {
      const service = {
        service: "shop",
        id: `shop-${who}`,
        version: "1",
        address: "127.0.0.1:9090",
        metadata: {},
      };
      subscriptions.push(await registry.register(service));
      const broker = stack.use(openHttpBroker({ registry }));
      // the last one's version is the annotation's: queues must not be told by it alone
      subscriptions.push(await broker.subscribe("orders", (n) => got.push(`order ${n}`), { queue: "shop" }));
      subscriptions.push(await broker.subscribe("prices", (n) => got.push(`price ${n} ${who}`)));
    }
    const { annotations, labels } = (await a.pod.get()).metadata;
    expect(Object.keys(annotations ?? {}).sort()).toEqual([
      "micro.mu/service-micro.http.broker",
      "micro.mu/service-shop",
    ]);
    expect(Object.keys(labels ?? {})).toContain("micro.mu/selector-micro.http.broker");
    const written = JSON.parse(annotations!["micro.mu/service-micro.http.broker"]!);
    expect(written.nodes.map(({ metadata }: { metadata: { topic: string } }) => metadata.topic)).toEqual([
      "orders",
      "prices",
    ]);

    const publisher = stack.use(openHttpBroker({ registry: boss.registry }));
    await publisher.publish("orders", 1);
    await publisher.publish("prices", 2);
    await until(() => got.length >= 3);
    expect(got.sort()).toEqual(["order 1", "price 2 a", "price 2 b"]);

    await Promise.all(subscriptions.map((one) => one[Symbol.asyncDispose]()));
    expect((await a.pod.get()).metadata.annotations ?? {}).toEqual({});
  }, 30_000);
});
