import { expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import { rateLimit } from "./call-rate.ts";
import { callOf, standing } from "./middleware.contract.ts";

const { around } = standing();
const answer = async (): Promise<unknown> => "answered";

test("who calls too often is told when to call again, and others are not troubled", async () => {
  const dispatch = rateLimit({ limit: 1, windowMs: 60_000 })(answer, around);
  expect(await dispatch(callOf({ peer: "10.0.0.1:1" }))).toBe("answered");
  const call = callOf({ peer: "10.0.0.1:2" });
  const thrown = await dispatch(call).catch((error: unknown) => error);
  if (!(thrown instanceof MicrorunError)) throw thrown;
  expect([thrown.code, thrown.reason]).toEqual(["resource_exhausted", "RATE_LIMITED"]);
  expect(thrown.retryMs).toBeGreaterThan(59_000);
  expect(call.reply?.header.get("retry-after")).toBe("60");
  expect(await dispatch(callOf({ peer: "10.0.0.2:1" }))).toBe("answered");
  expect(await dispatch(callOf({ peer: "[::1]:1" }))).toBe("answered");
});

test("callers are told apart by what they are asked to be", async () => {
  const refused = (calls: readonly ReturnType<typeof callOf>[], by: Parameters<typeof rateLimit>[0]) => {
    const dispatch = rateLimit(by)(answer, around);
    return Promise.all(
      calls.map((call) =>
        dispatch(call).then(
          () => 0,
          () => 1,
        ),
      ),
    );
  };
  const limit = { limit: 1, windowMs: 60_000 };
  const subjects = ["7", "7", "8"].map((sub) => callOf({ claims: { sub }, peer: "10.0.0.1:1" }));
  expect(await refused(subjects, { ...limit, by: "subject" })).toEqual([0, 1, 0]);
  const keys = ["a", "b", "a"].map((key) => callOf({ metadata: { "x-api-key": key } }));
  expect(await refused(keys, { ...limit, by: "metadata:X-Api-Key" })).toEqual([0, 0, 1]);
  // nobody takes another's tokens by naming its address
  const named = [callOf({ peer: "10.0.0.1:1" }), callOf({ metadata: { "x-api-key": "10.0.0.1" } })];
  expect(await refused(named, { ...limit, by: "metadata:x-api-key" })).toEqual([0, 0]);
  const methods = [callOf(), callOf({ method: "Slow" }), callOf()];
  expect(await refused(methods, { ...limit, by: "method" })).toEqual([0, 0, 1]);
  expect(await refused(methods, { ...limit, by: "all" })).toEqual([0, 1, 1]);
  expect(await refused(methods, { ...limit, by: ({ method }) => method })).toEqual([0, 0, 1]);
});

test("web requests and calls of one caller share a limit", async () => {
  const layer = rateLimit({ limit: 1, windowMs: 60_000 });
  await layer(answer, around)(callOf({ peer: "10.0.0.1:1" }));
  const web = layer.web?.(() => new Response("page"), around);
  expect(() => web?.({ request: new Request("http://localhost/"), peer: "10.0.0.1:2" })).toThrow(
    "called too often",
  );
});
