/** Of the transport's contract: what becomes of calls when a server or a connection comes to its end. */
import { expect, test } from "bun:test";
import type { MicrorunError } from "../errors.ts";
import {
  aborted,
  failure,
  type Message,
  type Messages,
  type Open,
  promptMs,
  texts,
} from "./peer.contract.ts";

export function stopsContract(open: Open): void {
  test("a server that stops answers the calls it has, and takes no new ones", async () => {
    const begun = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const peer = await open({
      Unary: async ({ text }: Message) => {
        begun.resolve();
        await go.promise;
        return { text };
      },
      Down: async function* () {
        yield { text: "a" };
        await go.promise;
        yield { text: "b" };
      },
    });
    const unary = peer.call("Unary", { text: "kept" });
    const down = texts(peer.call("Down", { text: "" }));
    await begun.promise;
    const stopped = peer.server[Symbol.asyncDispose]();
    setTimeout(go.resolve, 50);
    expect(await unary).toMatchObject({ text: "kept" });
    expect(await down).toEqual(["a", "b"]);
    await stopped;
    expect(await failure(peer.call("Unary", { text: "new" }))).toMatchObject({ code: "unavailable" });
    await peer[Symbol.asyncDispose]();
  });

  test("a call that outlives the drain is ended as unavailable", async () => {
    let reason: unknown;
    const begun = Promise.withResolvers<void>();
    const peer = await open(
      {
        Unary: (_, { signal }) => {
          signal.addEventListener("abort", () => {
            reason = signal.reason;
          });
          begun.resolve();
          return new Promise(() => {});
        },
      },
      { drainTimeoutMs: 50 },
    );
    const reply = peer.call("Unary", { text: "" });
    reply.catch(() => {});
    await begun.promise;
    await peer.server[Symbol.asyncDispose]();
    expect(await failure(reply)).toMatchObject({ code: "unavailable", message: "the server is stopping" });
    expect((reason as MicrorunError).code).toBe("unavailable");
    await peer[Symbol.asyncDispose]();
  });

  test("a stream of the runtime's own does not hold a stop", async () => {
    const peer = await open({
      Watch: async function* (_, { signal }) {
        yield { text: "now" };
        await aborted(signal);
      },
    });
    const seen = peer.call("Watch", { text: "" }, { service: "contract.Own" });
    const replies = ((await seen) as Messages)[Symbol.asyncIterator]();
    await replies.next();
    const began = performance.now();
    await peer.server[Symbol.asyncDispose]();
    expect(performance.now() - began).toBeLessThan(promptMs);
    expect(await failure(replies.next())).toMatchObject({ code: "unavailable" });
    await peer[Symbol.asyncDispose]();
  });

  test("a connection that is closed cancels its calls", async () => {
    const begun = Promise.withResolvers<void>();
    await using peer = await open({
      Unary: () => {
        begun.resolve();
        return new Promise(() => {});
      },
    });
    const reply = peer.call("Unary", { text: "" });
    reply.catch(() => {});
    await begun.promise;
    await peer.connection[Symbol.asyncDispose]();
    expect(await failure(reply)).toMatchObject({ code: "cancelled" });
    expect(await failure(peer.call("Unary", { text: "" }))).toMatchObject({ code: "unavailable" });
  });
}
