/** Of the transport's contract: calls that end before their handler does. */
import { expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import {
  type Answer,
  aborted,
  count,
  failure,
  forever,
  type Messages,
  type Open,
  texts,
} from "./peer.contract.ts";

export function lateContract(open: Open): void {
  test("a deadline answers for a handler that never settles, and tells it", async () => {
    const told = Promise.withResolvers<unknown>();
    await using peer = await open({
      Unary: (_, { signal }) => {
        signal.addEventListener("abort", () => told.resolve(signal.reason));
        return new Promise(() => {});
      },
    });
    const error = await failure(peer.call("Unary", { text: "" }, { deadline: Date.now() + 50 }));
    expect(error.code).toBe("deadline_exceeded");
    // the caller's own clock may be the first to cancel
    expect(["deadline_exceeded", "cancelled"]).toContain(((await told.promise) as MicrorunError).code);
  });

  test("a deadline that is over ends a call of any kind", async () => {
    await using peer = await open({
      Unary: () => new Promise(() => {}),
      Down: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }),
      Up: (requests: Messages) => texts(requests),
      Both: () => new Promise(() => {}),
    });
    const asked = { Unary: { text: "" }, Down: { text: "" }, Up: forever(), Both: forever() };
    for (const [method, request] of Object.entries(asked)) {
      const error = await failure(texts(peer.call(method, request, { deadline: Date.now() + 30 })));
      expect([method, error.code]).toEqual([method, "deadline_exceeded"]);
    }
  });

  test("a cancelled call ends at once for the caller, and its handler is told", async () => {
    const begun = Promise.withResolvers<void>();
    const told = Promise.withResolvers<unknown>();
    await using peer = await open({
      Unary: (_, { signal }) => {
        signal.addEventListener("abort", () => told.resolve(signal.reason));
        begun.resolve();
        return new Promise(() => {});
      },
    });
    const cancel = new AbortController();
    const reply = peer.call("Unary", { text: "" }, { signal: cancel.signal });
    reply.catch(() => {});
    await begun.promise;
    cancel.abort(new MicrorunError("cancelled", "no longer wanted"));
    expect(await failure(reply)).toMatchObject({ code: "cancelled", message: "no longer wanted" });
    expect(((await told.promise) as MicrorunError).code).toBe("cancelled");
  });

  test("a signal that is aborted already ends the call before it begins", async () => {
    await using peer = await open({ Unary: () => ({ text: "" }) });
    const error = await failure(peer.call("Unary", { text: "" }, { signal: AbortSignal.abort() }));
    expect(error.code).toBe("cancelled");
  });

  test("a handler's stream is closed when its reader leaves", async () => {
    const closed = Promise.withResolvers<void>();
    await using peer = await open({
      Down: async function* () {
        try {
          for (;;) {
            yield { text: "x" };
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        } finally {
          closed.resolve();
        }
      },
    });
    for await (const _ of (await peer.call("Down", { text: "" })) as Messages) break;
    await closed.promise;
  });

  test("a handler's request stream fails when the call is cancelled", async () => {
    const seen = Promise.withResolvers<unknown>();
    const begun = Promise.withResolvers<void>();
    await using peer = await open({
      Up: async (requests: Messages) => {
        try {
          for await (const _ of requests) begun.resolve();
          seen.resolve("ended");
        } catch (error) {
          seen.resolve(error);
        }
        return { text: "" };
      },
    });
    const cancel = new AbortController();
    const reply = peer.call("Up", forever(), { signal: cancel.signal });
    reply.catch(() => {});
    await begun.promise;
    cancel.abort();
    await failure(reply);
    expect(((await seen.promise) as MicrorunError).code).toBe("cancelled");
  });

  test("a request stream that fails cancels the call with its error", async () => {
    await using peer = await open({
      Up: async (requests: Messages) => ({ text: (await texts(requests)).join("") }),
    });
    async function* requests() {
      yield { text: "a" };
      throw new MicrorunError("failed_precondition", "out of data");
    }
    expect(await failure(peer.call("Up", requests()))).toMatchObject({
      code: "failed_precondition",
      message: "out of data",
    });
  });

  test("a server that answers early leaves the rest of the requests unread", async () => {
    const left = Promise.withResolvers<void>();
    await using peer = await open({
      Up: async (requests: Messages) => {
        await requests[Symbol.asyncIterator]().next();
        return { text: "enough" };
      },
    });
    async function* requests() {
      try {
        for (;;) yield { text: "x".repeat(10_000) };
      } finally {
        left.resolve();
      }
    }
    expect(await peer.call("Up", requests())).toMatchObject({ text: "enough" });
    await left.promise;
  });

  test("a handler that goes on after its call is over disturbs nothing", async () => {
    const over = Promise.withResolvers<void>();
    const ways: Record<string, Answer> = {
      Unary: async (_, call) => {
        await aborted(call.signal);
        await over.promise;
        throw new Error("too late");
      },
      Down: async function* (_, call) {
        await aborted(call.signal);
        await over.promise;
        yield { text: "too late" };
        throw new Error("later still");
      },
      Both: async (_, call) => {
        await aborted(call.signal);
        await over.promise;
        return count(3);
      },
    };
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on("unhandledRejection", note);
    try {
      await using peer = await open(ways);
      const asked = { Unary: { text: "" }, Down: { text: "" }, Both: forever() };
      for (const [method, request] of Object.entries(asked)) {
        const error = await failure(texts(peer.call(method, request, { deadline: Date.now() + 30 })));
        expect(error.code).toBe("deadline_exceeded");
      }
      over.resolve();
      await new Promise((resolve) => setTimeout(resolve, 10));
    } finally {
      process.off("unhandledRejection", note);
    }
    expect(unhandled).toEqual([]);
  });

  test("a stream's handler that returns no stream is internal", async () => {
    for (const value of [undefined, 7, "text", {}]) {
      await using peer = await open({ Down: () => value });
      expect(await failure(texts(peer.call("Down", { text: "" })))).toMatchObject({ code: "internal" });
    }
  });
}
