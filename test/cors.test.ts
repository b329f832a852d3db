/** Pages of other origins: preflights, what answers say of who may read them, and what stays the module's own. */
import { describe, expect, test } from "bun:test";
import { folder, type Running, serve, targets } from "./harness.ts";

const module = `
export const name = "shop";
export default {
  fetch: (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/own")
      return new Response(null, { status: 200, headers: { "access-control-allow-origin": "https://own.example" } });
    return new Response("page", { headers: { vary: "accept", "x-page": "1", "set-cookie": "a=b" } });
  },
  handlers: {
    Shop: {
      Get: (_, { header, trailer }) => {
        header.set("x-request", "7");
        trailer.set("x-last", "8");
        return { ok: true };
      },
      Fail: () => { throw new Error("boom"); },
    },
  },
};`;

const shop = "https://shop.example";

interface Asked {
  readonly method?: string;
  readonly origin?: string;
  readonly wants?: string;
  readonly fields?: string;
  readonly headers?: Record<string, string>;
}

function ask(
  running: Running,
  path: string,
  { method, origin, wants, fields, headers }: Asked,
): Promise<Response> {
  return fetch(`http://${running.address("http")}${path}`, {
    method: method ?? (wants === undefined ? "GET" : "OPTIONS"),
    ...(method === "POST" ? { body: "{}" } : {}),
    headers: {
      ...(method === "POST" ? { "content-type": "application/json" } : {}),
      ...(origin === undefined ? {} : { origin }),
      ...(wants === undefined ? {} : { "access-control-request-method": wants }),
      ...(fields === undefined ? {} : { "access-control-request-headers": fields }),
      ...headers,
    },
  });
}

/** Of CORS, and what caches must tell apart. */
function said({ status, headers }: Response): Record<string, unknown> {
  const kept = [...headers].filter(([name]) => name.startsWith("access-control-") || name === "vary");
  return {
    status,
    ...Object.fromEntries(kept.map(([name, text]) => [name.replace("access-control-", ""), text])),
  };
}

async function running(
  target: (typeof targets)[number],
  flags: readonly string[],
): Promise<AsyncDisposable & { running: Running }> {
  const dir = folder({ "shop.mjs": module });
  const running = await serve(target, ["shop.mjs", ...flags], { cwd: dir.path });
  return {
    running,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      dir[Symbol.dispose]();
    },
  };
}

// each server of HTTP that a service may have: of the one port, and of its own
const ports = [
  ["one port", []],
  ["a port of its own", ["--http_address=127.0.0.1:0", "--grpc_address=127.0.0.1:0"]],
] as const;

for (const [port, portFlags] of ports)
  describe.each(targets)(`$name, ${port}`, (target) => {
    test("without --cors_origins nothing is said, and a preflight is nobody's", async () => {
      await using service = await running(target, portFlags);
      const { running: shopping } = service;
      const preflight = await ask(shopping, "/Shop/Get", { origin: shop, wants: "POST" });
      expect(said(preflight)).toEqual({ status: 405 });
      expect(said(await ask(shopping, "/Shop/Get", { method: "POST", origin: shop }))).toEqual({
        status: 200,
      });
    });

    test("pages of a named origin may call, with cookies, and read what the answer says", async () => {
      const flags = [...portFlags, `--cors_origins=${shop}/,https://other.example`];
      await using service = await running(target, flags);
      const { running: shopping } = service;
      const allowed = { "allow-origin": shop, "allow-credentials": "true" };
      const vary = "origin, access-control-request-method, access-control-request-headers";
      const fields = "content-type,connect-protocol-version";
      for (const path of ["/Shop/Get", "/shop/get", "/readyz", "/page"]) {
        expect(said(await ask(shopping, path, { origin: shop, wants: "POST", fields })), path).toEqual({
          status: 204,
          ...allowed,
          "allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
          "allow-headers": fields,
          "max-age": "600",
          vary,
        });
      }
      const answer = await ask(shopping, "/Shop/Get", { method: "POST", origin: shop });
      expect(said(answer)).toMatchObject({ status: 200, ...allowed, vary: "origin" });
      expect(answer.headers.get("access-control-expose-headers")?.split(", ")).toEqual(
        expect.arrayContaining(["x-request", "trailer-x-last"]),
      );
      expect(await answer.json()).toEqual({ ok: true });
      expect(said(await ask(shopping, "/Shop/Fail", { method: "POST", origin: shop }))).toMatchObject({
        status: 500,
        ...allowed,
      });
      const page = await ask(shopping, "/page", { origin: shop });
      expect(said(page)).toMatchObject({ status: 200, ...allowed, "expose-headers": "x-page" });
      expect(page.headers.get("vary")).toBe("accept, origin");
      expect(await page.text()).toBe("page");
    });

    test("others may not, and caches are told to keep them apart", async () => {
      await using service = await running(target, [...portFlags, `--cors_origins=${shop}`]);
      const { running: shopping } = service;
      const evil = "https://evil.example";
      expect(said(await ask(shopping, "/Shop/Get", { origin: evil, wants: "POST" }))).toEqual({
        status: 204,
        vary: "origin, access-control-request-method, access-control-request-headers",
      });
      for (const origin of [evil, "null", `${shop}.evil.example`, "https://SHOP.example"])
        expect(said(await ask(shopping, "/Shop/Get", { method: "POST", origin })), origin).toEqual({
          status: 200,
          vary: "origin",
        });
      expect(said(await ask(shopping, "/Shop/Get", { method: "POST" }))).toEqual({
        status: 200,
        vary: "origin",
      });
      const crossSite = { "sec-fetch-site": "cross-site" };
      expect((await ask(shopping, "/shop/get", { origin: evil, headers: crossSite })).status).toBe(403);
      expect((await ask(shopping, "/shop/get", { origin: shop, headers: crossSite })).status).toBe(200);
    });

    test("* lets any page call, never with cookies", async () => {
      const flags = [
        ...portFlags,
        "--cors_origins=*",
        "--cors_methods=POST",
        "--cors_headers=content-type,x-a",
      ];
      await using service = await running(target, flags);
      const { running: shopping } = service;
      expect(said(await ask(shopping, "/Shop/Get", { origin: shop, wants: "POST", fields: "x-b" }))).toEqual({
        status: 204,
        "allow-origin": "*",
        "allow-methods": "POST",
        "allow-headers": "content-type, x-a",
        "max-age": "600",
        vary: "origin, access-control-request-method, access-control-request-headers",
      });
      const answer = said(await ask(shopping, "/Shop/Get", { method: "POST", origin: shop }));
      expect(answer).toMatchObject({ status: 200, "allow-origin": "*" });
      expect(answer).not.toHaveProperty("allow-credentials");
      const crossSite = { "sec-fetch-site": "cross-site" };
      expect((await ask(shopping, "/shop/get", { origin: shop, headers: crossSite })).status).toBe(403);
    });

    test("what the module itself says of origins stands", async () => {
      await using service = await running(target, [...portFlags, "--cors_origins=*"]);
      const { running: shopping } = service;
      for (const asked of [{ origin: shop, wants: "POST" }, { origin: shop }])
        expect(said(await ask(shopping, "/own", asked))).toEqual({
          status: 200,
          "allow-origin": "https://own.example",
        });
    });

    test("OPTIONS that asks for no method is the module's", async () => {
      await using service = await running(target, [...portFlags, `--cors_origins=${shop}`]);
      const answer = await ask(service.running, "/page", { method: "OPTIONS", origin: shop });
      expect([answer.status, await answer.text()]).toEqual([200, "page"]);
    });

    test("the module's own fetch is held to --http_timeout", async () => {
      using dir = folder({
        "web.ts": `export default { fetch: async ({ url, signal }) => {
          signal.addEventListener("abort", () => console.log("told: " + signal.reason.code));
          if (url.endsWith("/slow")) await new Promise(() => {});
          const body = new ReadableStream({ async pull(to) { await Bun.sleep(600); to.enqueue("late"); to.close(); } });
          return new Response(body);
        } };`,
      });
      await using web = await serve(target, ["web.ts", ...portFlags, "--http_timeout=300ms"], {
        cwd: dir.path,
      });
      const slow = await ask(web, "/slow", {});
      expect([slow.status, await slow.text()]).toEqual([504, "not answered within the server's 300 ms\n"]);
      await web.logged(/told: deadline_exceeded/);
      expect(await (await ask(web, "/stream", {})).text()).toBe("late");
    });
  });
