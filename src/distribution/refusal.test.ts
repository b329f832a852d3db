import { expect, test } from "bun:test";
import { registryError } from "./refusal.ts";

const about = { what: "cannot push r.example/a", registry: "r.example", repository: "a", isLoggedIn: true };
const told = (status: number, errors?: unknown, headers: Record<string, string> = {}) =>
  registryError(
    about,
    new Response(errors === undefined ? "<html>" : JSON.stringify({ errors }), { status, headers }),
  );

test.each([
  [403, [{ code: "DENIED", message: "no" }], "permission_denied", "it is denied (DENIED: no)"],
  [401, [{ code: "UNAUTHORIZED" }], "unauthenticated", "r.example wants another login (UNAUTHORIZED)"],
  [401, [{ code: "DENIED" }], "permission_denied", "it is denied (DENIED)"],
  [404, [{ code: "NAME_UNKNOWN" }], "not_found", "r.example has no repository a (NAME_UNKNOWN)"],
  [404, [{ code: "MANIFEST_UNKNOWN" }], "not_found", "it is not there (MANIFEST_UNKNOWN)"],
  [400, [{ code: "DIGEST_INVALID" }], "data_loss", "what came there has another digest (DIGEST_INVALID)"],
  [
    429,
    [{ code: "TOOMANYREQUESTS" }],
    "resource_exhausted",
    "too many requests for r.example (TOOMANYREQUESTS)",
  ],
  [405, [{ code: "UNSUPPORTED" }], "failed_precondition", "r.example does not take that (UNSUPPORTED)"],
  [
    413,
    undefined,
    "failed_precondition",
    "r.example, or a proxy before it, takes no request as large as that",
  ],
  [500, undefined, "unavailable", "r.example answers 500"],
  [
    400,
    [{ message: "odd" }, { code: "X", message: 7 }],
    "failed_precondition",
    "r.example answers 400 (UNKNOWN: odd; X)",
  ],
] as const)("%d with %j is told in our words and the registry's", async (status, errors, code, why) => {
  expect(await told(status, errors)).toMatchObject({ code, message: `cannot push r.example/a: ${why}` });
});

test("a refused login orders to log in", async () => {
  for (const status of [401, 403]) expect((await told(status)).hint).toContain("docker login r.example");
});

test("who sent no login is asked for one, not for another", async () => {
  const { message } = await registryError({ ...about, isLoggedIn: false }, new Response("", { status: 401 }));
  expect(message).toBe("cannot push r.example/a: r.example wants a login");
});

test("when to come back is told in seconds, be it said so or as a date", async () => {
  const at = new Date(Date.now() + 3_600_000).toUTCString();
  expect((await told(429, [], { "retry-after": "7" })).message).toContain("again in 7 s");
  expect((await told(429, [], { "retry-after": at })).message).toMatch(/again in (3600|3599) s/);
});

test("a registry's words are cut, and bring no control characters to a terminal", async () => {
  const { message } = await told(400, [{ code: "X", message: `\u001b[31mred\n${"a".repeat(1000)}` }]);
  expect(message).toContain("(X:  [31mred aaa");
  expect(message.length).toBeLessThan(400);
  expect((await told(400, "nonsense")).message).toBe("cannot push r.example/a: r.example answers 400");
  expect((await told(500, [{ code: "a".repeat(70_000) }])).message).toBe(
    "cannot push r.example/a: r.example answers 500",
  );
});
