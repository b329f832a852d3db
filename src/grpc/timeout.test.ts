import { expect, test } from "bun:test";
import { grpcTimeout, microTimeout, readTimeout } from "./timeout.ts";

test("the smaller of grpc-timeout and Go Micro's timeout holds", () => {
  expect(readTimeout(undefined, undefined)).toBeUndefined();
  expect(readTimeout("4999023u", "5000000000")).toBeCloseTo(4999.023);
  expect(readTimeout("10S", "5000000000")).toBe(5000);
  expect(readTimeout("2H", undefined)).toBe(7_200_000);
  expect(readTimeout("99999999H", undefined)).toBe(99_999_999 * 3_600_000);
  expect(readTimeout("50m", undefined)).toBe(50);
});

test("a malformed grpc-timeout is refused, a malformed timeout ignored", () => {
  for (const bad of ["5", "S", "123456789S", "5s", "-5S", "5 S", ""])
    expect(() => readTimeout(bad, undefined)).toThrow("malformed grpc-timeout");
  for (const bad of ["5s", "-1", "", "0", "1e9"]) expect(readTimeout(undefined, bad)).toBeUndefined();
});

test("Go Micro's timeout is written in nanoseconds", () => {
  expect(microTimeout(5000)).toBe("5000000000");
  expect(microTimeout(0)).toBe("1000000");
  expect(microTimeout(1e12)).toBe("1000000000000000000");
});

test("what is left is sent in the finest unit that holds it, never as nothing", () => {
  const sent = { 0: "1m", [-5]: "1m", 1.2: "2m", 99999999: "99999999m", 1e8: "100000S", 1e12: "16666667M" };
  for (const [ms, text] of Object.entries(sent)) expect([ms, grpcTimeout(Number(ms))]).toEqual([ms, text]);
  expect(grpcTimeout(Number.MAX_SAFE_INTEGER)).toBe("99999999H");
});
