/** The dashboard against a real API server: Pods are listed by a kubeconfig, and told of where they cannot be reached. */
import { describe, expect, test } from "bun:test";
import { controlPlane } from "./control-plane.ts";
import { serve, targets } from "./harness.ts";
import { openStage } from "./kubernetes-stage.ts";

const plane = await controlPlane();
const db = '{"name":"db","version":"7","nodes":[{"id":"db-1","address":"127.0.0.9:9"}]}';

describe.skipIf(!plane).each([...targets])("from $name,", (target) => {
  const cluster = plane!;

  test("the services of a namespace are shown, and who is not reached from here says so", async () => {
    const stage = await openStage(cluster);
    await stage.pod({ annotations: { "micro.mu/service-db": db } });
    const config = cluster.kubeconfig({ namespace: stage.namespace });
    const args = ["dashboard", "--address=127.0.0.1:0", "--registry=kubernetes", `--kubeconfig=${config}`];
    await using board = await serve(target, args, { ownAddress: false, until: /Dashboard: \S+\n/ });
    const [, url = ""] = /Dashboard: (\S+)\/\n/.exec(board.stdout()) ?? [];
    const page = await (await fetch(`${url}/`)).text();
    expect(page).toContain('<a href="/services/db">db</a>');
    expect(page).toContain(stage.namespace);
    const stop = new AbortController();
    const { body } = await fetch(`${url}/live/services`, { signal: stop.signal });
    let heard = "";
    const decoder = new TextDecoder();
    for await (const chunk of body!) {
      heard += decoder.decode(chunk, { stream: true });
      if (heard.includes("unreachable")) break;
    }
    stop.abort();
    expect(heard).toContain("Pods answer within their cluster: run the dashboard there");
  });

  test("a cluster that is not reached is told on the page, not by an end", async () => {
    const args = ["dashboard", "--address=127.0.0.1:0", "--registry=kubernetes"];
    const config = cluster.kubeconfig({ namespace: "default" });
    await using board = await serve(
      target,
      [...args, `--kubeconfig=${config}`, "--registry_address=http://127.0.0.1:1"],
      { ownAddress: false, until: /Dashboard: \S+\n/ },
    );
    const [, url = ""] = /Dashboard: (\S+)\/\n/.exec(board.stdout()) ?? [];
    const answer = await fetch(`${url}/`);
    expect([answer.status, (await answer.text()).includes("127.0.0.1:1")]).toEqual([500, true]);
  });
});
