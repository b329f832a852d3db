/** The operator where the API server goes away and comes back, on one of its own. */
import { describe, expect, test } from "bun:test";
import { ownControlPlane } from "./control-plane.ts";
import { targets } from "./harness.ts";
import { operatorStage } from "./operator-stage.ts";

const plane = await ownControlPlane();
const image = "registry.example/greeter:1";

describe.skipIf(!plane).each([...targets])("from $name, the operator", (target) => {
  test("goes on when the API server starts anew, and mends what was done meanwhile", async () => {
    const { operator, apply, patch, until, get, rollOut, condition } = await operatorStage(plane!, target);
    await using running = await operator();
    await apply("greeter", { image });
    await rollOut("greeter");
    await condition("greeter", "Ready", ({ status }) => status === "True");
    await plane!.kill("kube-apiserver");
    // longer than the lease holds
    await running.logged(/leads no more: lease \S+ was lost/);
    await plane!.start();
    // done while nobody leads, or told to whoever does
    await patch("deployments/greeter", { spec: { replicas: 5 } });
    await until("deployments/greeter", ({ spec }) => spec.replicas === 2);
    await apply("other", { image });
    await until("deployments/other");
    expect((await get("microservices/greeter")).status.observedGeneration).toBe(1);
    running.signal("SIGTERM");
    expect(await running.exited).toBe(0);
  });

  test("stops soon while the API server is away", async () => {
    const { operator, apply, until } = await operatorStage(plane!, target);
    await using running = await operator();
    await apply("greeter", { image });
    await until("deployments/greeter");
    await plane!.kill("kube-apiserver");
    try {
      running.signal("SIGTERM");
      const began = performance.now();
      expect(await running.exited).toBe(0);
      expect(performance.now() - began).toBeLessThan(4000);
    } finally {
      await plane!.start();
    }
  });

  test("hears of changes that it could not follow, as etcd has forgotten them", async () => {
    const { operator, apply, until } = await operatorStage(plane!, target);
    await using _running = await operator();
    await apply("greeter", { image });
    await until("deployments/greeter");
    await plane!.kill("kube-apiserver");
    await plane!.start();
    await plane!.compact();
    await apply("greeter", { image: `${image}.1` });
    await until("deployments/greeter", ({ spec }) => spec.template.spec.containers[0].image.endsWith(":1.1"));
  });
});
