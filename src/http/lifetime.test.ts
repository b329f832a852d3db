import { expect, test } from "bun:test";
import { httpGreeter } from "../../test/http-greeter.ts";
import { MicrorunError } from "../errors.ts";
import { createLifetime } from "./lifetime.ts";

const url = "http://localhost/";

test("a deadline rejects what is under way and aborts the signal with the same reason", async () => {
  using lifetime = createLifetime(new Request(url), 5, undefined);
  const { signal } = lifetime;
  const error: unknown = await lifetime
    .during(() => new Promise(() => {}))
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "deadline_exceeded" });
  expect(signal.reason).toBe(error);
  expect(lifetime.deadline).toBeLessThanOrEqual(Date.now());
});

test("a deadline that is over before the call keeps the work from starting", async () => {
  using lifetime = createLifetime(new Request(url), 0, undefined);
  let started = false;
  const work = lifetime.during(async () => {
    started = true;
  });
  expect(await work.catch(({ code }) => code)).toBe("deadline_exceeded");
  expect(started).toBe(false);
  expect(lifetime.signal.aborted).toBe(true);
});

test("the caller's leaving and the server's stop abort the signal, the first one counting", async () => {
  const caller = new AbortController();
  const stop = new AbortController();
  const stopping = new MicrorunError("unavailable", "the server is stopping");
  using left = createLifetime(new Request(url, { signal: caller.signal }), undefined, stop.signal);
  using other = createLifetime(new Request(url), undefined, stop.signal);
  const { signal } = left;
  caller.abort();
  stop.abort(stopping);
  expect(signal.reason).toMatchObject({ code: "cancelled" });
  expect(other.signal.reason).toBe(stopping);
});

test("an answered request aborts nothing any more", () => {
  const caller = new AbortController();
  const lifetime = createLifetime(new Request(url, { signal: caller.signal }), 1000, undefined);
  const { signal } = lifetime;
  lifetime[Symbol.dispose]();
  caller.abort();
  expect(signal.aborted).toBe(false);
});

test("a call whose handler never settles is answered in time, and its late failure troubles nobody", async () => {
  const late = Promise.withResolvers<never>();
  let signal: AbortSignal | undefined;
  const { post, logged } = httpGreeter({
    hello: (call) => {
      ({ signal } = call);
      return late.promise;
    },
  });
  const headers = { "content-type": "application/json", "connect-timeout-ms": "5" };
  const response = await post("/test.Greeter/Hello", "{}", headers);
  expect([response.status, await response.json()]).toEqual([
    504,
    { code: "deadline_exceeded", message: "the deadline is over" },
  ]);
  expect(signal?.reason).toMatchObject({ code: "deadline_exceeded" });
  late.reject(new Error("too late"));
  await Bun.sleep(0);
  expect(logged).toEqual([]);
});

test("a server's stop answers calls and pages under way with unavailable", async () => {
  const stop = new AbortController();
  const never = (): Promise<never> => new Promise(() => {});
  const { fetch } = httpGreeter({ hello: never, fetch: never });
  const call = fetch(
    new Request(`${url}test.Greeter/Hello`, { method: "POST", body: "{}" }),
    undefined,
    stop.signal,
  );
  const page = fetch(new Request(`${url}page`), undefined, stop.signal);
  await Bun.sleep(0);
  stop.abort(new MicrorunError("unavailable", "the server is stopping"));
  expect([(await call).status, await (await call).json()]).toEqual([
    503,
    { code: "unavailable", message: "the server is stopping" },
  ]);
  expect([(await page).status, await (await page).text()]).toEqual([503, "the server is stopping\n"]);
});
