import { expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import { apiServerCheck, judgeCredential, judgeSkew, judgeVisit } from "./api-server.ts";

const now = Date.parse("2026-11-01T12:00:00Z");
const signal = new AbortController().signal;

test("an API server that answers is told with its version and the time it took", () => {
  const visit = { version: "v1.36.3", ms: 12.4, security: "trusted" } as const;
  expect(judgeVisit("https://10.96.0.1:443", visit)).toEqual({
    status: "ok",
    what: "https://10.96.0.1:443 v1.36.3, 12 ms",
  });
  expect(judgeVisit("https://10.96.0.1:443", { ...visit, security: "unchecked" }).status).toBe("warn");
});

test("an API server that is not reached is a failure only where something needs it", async () => {
  const away = async () => {
    throw new MicrorunError("unavailable", "cannot reach https://10.96.0.1:443: connection refused");
  };
  expect(await apiServerCheck(away, true).run(signal)).toMatchObject([{ status: "fail" }]);
  expect(await apiServerCheck(away, false).run(signal)).toMatchObject([{ status: "warn" }]);
  const none = async () => {
    throw new MicrorunError("failed_precondition", "the pod has no service account's token");
  };
  expect(await apiServerCheck(none, true).run(signal)).toMatchObject([{ status: "fail" }]);
  expect(await apiServerCheck(none, false).run(signal)).toMatchObject([{ status: "ok" }]);
});

test("a token that has expired fails, one that soon will is warned of", () => {
  const judged = (expires: number | undefined) =>
    judgeCredential(
      "seller",
      "shop",
      expires === undefined ? { kind: "token" } : { kind: "token", expires },
      now,
    );
  expect(judged(now - 180_000)).toMatchObject({
    status: "fail",
    what: expect.stringContaining("expired 3 min ago"),
  });
  expect(judged(now + 60_000)).toMatchObject({
    status: "warn",
    what: expect.stringContaining("expires in 60 s"),
  });
  expect(judged(now + 3_600_000)).toMatchObject({
    status: "ok",
    what: expect.stringContaining("seller in namespace shop"),
  });
  expect(judged(undefined).status).toBe("ok");
  expect(judgeCredential("system:anonymous", "shop", undefined, now).status).toBe("warn");
});

test("a clock is warned of beyond 5 s, and fails beyond a minute, either way", () => {
  const at = (...skews: number[]) => skews.map((skew) => judgeSkew(skew).status);
  expect(at(0, 5000, -5000)).toEqual(["ok", "ok", "ok"]);
  expect(at(5001, -60_000)).toEqual(["warn", "warn"]);
  expect(at(60_001, -90_000)).toEqual(["fail", "fail"]);
  expect(judgeSkew(90_000).what).toBe("90 s behind the API server's");
});
