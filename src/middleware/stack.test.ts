import { expect, test } from "bun:test";
import type { Middleware } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { changedCall } from "./changed-call.ts";
import { cors } from "./cors.ts";
import { callOf, refusal, standing } from "./middleware.contract.ts";
import type { Layer } from "./middleware.ts";
import { corsOf, stackCalls, stackWeb } from "./stack.ts";

const { around, log } = standing();

test("the first of a list sees a call first and its reply last", async () => {
  const seen: string[] = [];
  const noting =
    (name: string): Middleware =>
    (next) =>
    async (call) => {
      seen.push(`${name} in`);
      const reply = await next(call);
      seen.push(`${name} out`);
      return reply;
    };
  const dispatch = stackCalls([noting("a"), noting("b")], around)(async () => "reply");
  expect(await dispatch(callOf())).toBe("reply");
  expect(seen).toEqual(["a in", "b in", "b out", "a out"]);
});

test("what the runtime answers itself passes by", async () => {
  const none: Layer = () => async () => {
    throw new MicrorunError("unauthenticated", "nobody may");
  };
  const isOwn = ({ method }: { method: string }): boolean => method === "Check";
  const dispatch = stackCalls([none], around, isOwn)(async () => "serving");
  expect(await dispatch(callOf({ method: "Check" }))).toBe("serving");
  expect(await refusal(dispatch(callOf()))).toBe("unauthenticated: nobody may");
});

test("a throw at once is a refusal like any other, and one that is no MicrorunError is logged and not told", async () => {
  const seen: unknown[] = [];
  const watching: Layer = (next) => (call) =>
    next(call).catch((error: unknown) => {
      seen.push(error);
      throw error;
    });
  const throwing: Layer = () => () => {
    throw new TypeError("secret");
  };
  const dispatch = stackCalls([watching, throwing], around)(async () => "reply");
  expect(await refusal(dispatch(callOf()))).toBe("internal: internal error");
  expect(seen).toHaveLength(1);
  expect(log.records().at(-1)?.message).toBe("middleware of greeter.Greeter.Hello failed");
});

test("a changed call keeps what is not changed, whatever it is made of", () => {
  class Own {
    #secret = new Headers({ a: "1" });
    service = "S";
    method = "M";
    request = {};
    signal = new AbortController().signal;
    get metadata(): Headers {
      return this.#secret;
    }
  }
  const changed = changedCall(new Own(), { claims: { sub: "7" }, deadline: 5 });
  expect([changed.metadata.get("a"), changed.claims?.sub, changed.deadline]).toEqual(["1", "7", 5]);
  expect(changedCall(changed, { request: undefined }).request).toBeUndefined();
});

test("a refusal of a web request has the status of its code, and an error of a fetch is not one", async () => {
  const limited: Layer = Object.assign((next: Parameters<Layer>[0]) => next, {
    web: () => () => {
      throw new MicrorunError("resource_exhausted", "too often", { retryMs: 1200 });
    },
  });
  const request = new Request("http://localhost/");
  const answer = await stackWeb([limited], around, () => new Response("page"))({ request });
  expect([answer.status, answer.headers.get("retry-after"), await answer.text()]).toEqual([
    429,
    "2",
    "too often\n",
  ]);
  const passing: Layer = Object.assign((next: Parameters<Layer>[0]) => next, {
    web: (next: Parameters<NonNullable<Layer["web"]>>[0]) => next,
  });
  const failing = stackWeb([passing], around, () => {
    throw new TypeError("boom");
  });
  expect(async () => failing({ request })).toThrow("boom");
});

test("cors is said once, of origins as browsers write them", () => {
  const shop = cors({ origins: ["https://shop.example"] });
  expect(corsOf([shop], around)?.().origins).toEqual(["https://shop.example"]);
  expect(corsOf([], around)).toBeUndefined();
  expect(() => corsOf([shop, shop], around)).toThrow("cors is there twice");
  expect(() => corsOf([cors({ origins: ["https://shop.example/"] })], around)).toThrow("not an origin");
});
