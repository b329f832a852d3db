import { expect, test } from "bun:test";
import type { Code } from "../../errors.ts";
import { apiError, networkError } from "./api-error.ts";

test.each<[number, Code]>([
  [400, "invalid_argument"],
  [401, "unauthenticated"],
  [403, "permission_denied"],
  [404, "not_found"],
  [409, "aborted"],
  [410, "out_of_range"],
  [422, "invalid_argument"],
  [429, "unavailable"],
  [500, "unavailable"],
  [301, "unavailable"],
])("%d is %s, in the API server's words", (status, code) => {
  const error = apiError(status, { kind: "Status", message: "said so", reason: "AlreadyExists" }, "GET /x");
  expect(error).toMatchObject({ code, message: "said so", reason: "ALREADY_EXISTS" });
});

test("an answer that is no Status is told by its number", () => {
  for (const body of [undefined, null, "text", 7, [], {}, { message: 7, reason: {} }, { message: "" }]) {
    const error = apiError(502, body, "GET /x");
    expect(error).toMatchObject({ code: "unavailable", message: "GET /x: answered 502", reason: undefined });
  }
});

test("a long message is cut", () => {
  expect(apiError(422, { message: "x".repeat(5000) }, "GET /x").message).toHaveLength(1000);
});

const server = "https://10.0.0.1:6443";
const fault = (code: string) => Object.assign(new Error("something"), { code });

const untrusted = "its certificate is not signed by a CA we trust";
const words = (text: string) => new TypeError("fetch failed", { cause: new Error(text) });

test.each<[string, () => Error, string, { unsent?: boolean; hint?: RegExp }]>([
  ["a refused connection", () => fault("ECONNREFUSED"), "connection refused", { unsent: true }],
  [
    "the same in Deno's words",
    () => words("tcp: Connection refused"),
    "connection refused",
    { unsent: true },
  ],
  ["an unknown host", () => fault("ENOTFOUND"), "no such host", { unsent: true }],
  ["a reset connection", () => fault("ECONNRESET"), "connection reset", {}],
  ["an unknown code", () => fault("ESOMETHING"), "ESOMETHING", {}],
  ["no code", () => new Error("?"), "no answer", {}],
  ["a foreign CA", () => fault("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), untrusted, { hint: /CA/ }],
  ["a self-signed certificate", () => fault("DEPTH_ZERO_SELF_SIGNED_CERT"), untrusted, { hint: /CA/ }],
  ["a foreign CA in Deno's words", () => words("peer certificate: UnknownIssuer"), untrusted, { hint: /CA/ }],
  [
    "an expired certificate",
    () => fault("CERT_HAS_EXPIRED"),
    "its certificate has expired",
    { hint: /renew/ },
  ],
  [
    "another name",
    () => fault("ERR_TLS_CERT_ALTNAME_INVALID"),
    "its certificate is for another name",
    { hint: /tls-server-name/ },
  ],
])("%s is told as what it is", (_, error, why, { unsent = false, hint }) => {
  const told = networkError(error(), server, undefined);
  expect(told).toMatchObject({ code: "unavailable", message: `cannot reach ${server}: ${why}`, unsent });
  if (hint === undefined) expect(told.hint).toBeUndefined();
  else expect(told.hint).toMatch(hint);
});

test("a proxy on the way is named", () => {
  expect(networkError(fault("ECONNREFUSED"), server, "http://proxy:3128").message).toBe(
    `cannot reach ${server} through the proxy http://proxy:3128: connection refused`,
  );
});
