import { expect, test } from "bun:test";
import { createGuard, type GuardOptions, isLoopback } from "./guard.ts";

const page = "page-token";
const access = "access-token";

function asked(
  { method = "GET", path = "/", ...headers }: Record<string, string>,
  options: Partial<GuardOptions> = {},
): number {
  const guard = createGuard({ host: "127.0.0.1", pageToken: page, ...options });
  const request = new Request(`http://x${path}`, {
    method,
    headers: { host: "127.0.0.1:8082", ...headers },
  });
  return guard(request)?.status ?? 200;
}

const post = { method: "POST", "x-dashboard-token": page, "content-type": "application/json" };

test("a host that is none of this machine's is refused, whatever it resolves to", () => {
  for (const host of ["localhost", "localhost:8082", "127.0.0.1", "127.8.0.1:1", "[::1]:8082", "LOCALHOST"])
    expect([host, asked({ host })]).toEqual([host, 200]);
  for (const host of [
    "evil.example",
    "evil.example:8082",
    "127.0.0.1.evil.example",
    "localhost.evil",
    "",
    "0",
  ])
    expect([host, asked({ host })]).toEqual([host, 403]);
});

test("the name that it was told to listen on is its own; addresses only with a token", () => {
  expect(asked({ host: "board.example:8082" }, { host: "board.example" })).toBe(200);
  expect(asked({ host: "10.0.0.7:8082" })).toBe(403);
  const cookie = `a=b; microrun-dashboard=${access}`;
  expect(asked({ host: "10.0.0.7:8082", cookie }, { host: "", accessToken: access })).toBe(200);
  expect(asked({ host: "evil.example", cookie }, { host: "", accessToken: access })).toBe(403);
});

test("a page of another origin may neither call nor read, but link here", () => {
  expect(asked({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" })).toBe(200);
  for (const site of ["cross-site", "same-site"]) {
    expect(asked({ "sec-fetch-site": site, "sec-fetch-mode": "cors" })).toBe(403);
    expect(asked({ ...post, "sec-fetch-site": site })).toBe(403);
    expect(asked({ ...post, "sec-fetch-site": site, "sec-fetch-mode": "navigate" })).toBe(403);
  }
  expect(asked({ ...post, origin: "http://evil.example" })).toBe(403);
  expect(asked({ ...post, origin: "null" })).toBe(403);
  expect(asked({ ...post, origin: "http://127.0.0.1:9999" })).toBe(403);
  expect(asked({ ...post, origin: "http://127.0.0.1:8082", "sec-fetch-site": "same-origin" })).toBe(200);
});

test("a call needs the page's token and JSON", () => {
  expect(asked(post)).toBe(200);
  expect(asked({ ...post, "x-dashboard-token": "" })).toBe(403);
  expect(asked({ ...post, "x-dashboard-token": `${page}x` })).toBe(403);
  expect(asked({ ...post, "content-type": "text/plain" })).toBe(415);
  expect(asked({ method: "PUT" })).toBe(405);
});

test("with an access token nobody sees anything without it; the URL's becomes a cookie", () => {
  const options = { accessToken: access };
  expect(asked({}, options)).toBe(401);
  expect(asked({ cookie: "microrun-dashboard=wrong-token" }, options)).toBe(401);
  expect(asked({ path: "/?token=wrong" }, options)).toBe(401);
  const guard = createGuard({ host: "", pageToken: page, ...options });
  const headers = { host: "localhost" };
  const answer = guard(new Request(`http://x/services/a?token=${access}&b=c`, { headers }));
  expect(answer?.status).toBe(303);
  expect(answer?.headers.get("location")).toBe("/services/a?b=c");
  expect(answer?.headers.get("set-cookie")).toMatch(
    /^microrun-dashboard=access-token; HttpOnly; SameSite=Strict/,
  );
});

test("what is loopback is told from what is not", () => {
  for (const host of ["127.0.0.1", "localhost", "::1"]) expect(isLoopback(host)).toBe(true);
  for (const host of ["", "0.0.0.0", "::", "10.0.0.1", "127.evil.example"])
    expect(isLoopback(host)).toBe(false);
});
