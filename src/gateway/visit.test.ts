import { expect, test } from "bun:test";
import { passedOn } from "./upstream-request.ts";
import { callerOf, outgoingHeaders, requestIdOf, tellClaims } from "./visit.ts";

const peer = "10.0.0.9:4711";

test("a request keeps an id that is one, and is given one else", () => {
  expect(requestIdOf(new Headers({ "x-request-id": "abc-1" }))).toBe("abc-1");
  for (const id of ["a b", "<script>", "x".repeat(200)])
    expect(requestIdOf(new Headers({ "x-request-id": id }))).toMatch(/^[\da-f-]{36}$/);
});

test("a caller is its peer, unless proxies that are trusted say otherwise", () => {
  const headers = new Headers({ "x-forwarded-for": "6.6.6.6, 1.2.3.4, 5.6.7.8" });
  expect(callerOf(headers, peer, 0)).toBe("10.0.0.9");
  expect(callerOf(headers, peer, 1)).toBe("5.6.7.8");
  expect(callerOf(headers, peer, 2)).toBe("1.2.3.4");
  expect(callerOf(new Headers(), "[::1]:80", 1)).toBe("::1");
});

test("what only the gateway says is not taken from callers", () => {
  const request = new Request("http://shop.example/a", {
    headers: {
      ...{ "x-jwt-subject": "root", "x-jwt-claims": "e30", "x-forwarded-for": "6.6.6.6" },
      ...{ forwarded: "for=6.6.6.6", "x-real-ip": "6.6.6.6", "micro-from-service": "admin", "x-own": "1" },
    },
  });
  const headers = outgoingHeaders(request, { id: "7", ip: "10.0.0.9", peer }, { proxyHops: 0 });
  expect(Object.fromEntries(headers)).toEqual({
    ...{ "x-forwarded-for": "10.0.0.9", "x-forwarded-host": "shop.example", "x-forwarded-proto": "http" },
    ...{ "x-own": "1", "x-request-id": "7" },
  });
});

test("what a connection names ends here, and is none of the gateway's own", () => {
  const connection = "close, X-Own ,x-jwt-claims,x-forwarded-for";
  const request = new Request("http://shop.example/a", {
    headers: { connection, "x-own": "1", "x-kept": "2" },
  });
  const headers = outgoingHeaders(request, { id: "7", ip: "10.0.0.9", peer }, { proxyHops: 0 });
  tellClaims(headers, { sub: "7" });
  expect(Object.fromEntries(passedOn(headers))).toMatchObject({
    ...{ "x-forwarded-for": "10.0.0.9", "x-kept": "2" },
    ...{ "x-jwt-subject": "7", "x-jwt-claims": expect.any(String) },
  });
  expect([headers.has("x-own"), headers.has("connection")]).toEqual([false, false]);
});

test("claims go on as base64, the subject as it is", () => {
  const headers = new Headers();
  tellClaims(headers, { sub: "7", name: "Jürgen" });
  expect(headers.get("x-jwt-subject")).toBe("7");
  expect(JSON.parse(Buffer.from(headers.get("x-jwt-claims")!, "base64url").toString())).toEqual({
    ...{ sub: "7", name: "Jürgen" },
  });
});
