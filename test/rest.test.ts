/** REST by `google.api.http`, its description and its page, as users meet them: over a socket, from source and compiled. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Browser, hasBrowser, openBrowser, visit } from "./browser.ts";
import { microrun, type Running, serve, targets } from "./harness.ts";

const library = join(import.meta.dir, "fixtures/rest/library.ts");
const json = { "content-type": "application/json" };

describe.each(targets)("$name", (target) => {
  let running: Running;
  let url = "";
  beforeAll(async () => {
    running = await serve(target, [library, "--cors_origins=https://shop.example"]);
    url = `http://${running.address("grpc")}`;
  });
  afterAll(() => running[Symbol.asyncDispose]());
  const ask = (path: string, init?: RequestInit): Promise<Response> => fetch(`${url}${path}`, init);

  test("a path, a query and a body are a call, on the one port and on that of HTTP", async () => {
    await using apart = await serve(target, [library, "--http_address=127.0.0.1:0"]);
    for (const at of [url, `http://${apart.address("http")}`]) {
      const got = await fetch(`${at}/v1/shelves/1/books/2?reason=why`);
      expect(got.headers.get("x-reason")).toBe("why");
      expect(await got.json()).toEqual({
        ...{ name: "shelves/1/books/2", title: "Title of shelves/1/books/2" },
        ...{ copies: "3", kind: "SCIENCE" },
      });
      const body = JSON.stringify({ title: "T", floor: 3 });
      const created = await fetch(`${at}/v1/shelves/1/books?book_id=x`, {
        method: "POST",
        body,
        headers: json,
      });
      expect(await created.json()).toEqual({ name: "shelves/1/books/x", title: "T", floor: 3 });
      const patched = await fetch(`${at}/v1/shelves/1/books/2?update_mask=title`, {
        ...{ method: "PATCH", body, headers: json },
      });
      expect(await patched.json()).toMatchObject({ name: "shelves/1/books/2", labels: { mask: "title" } });
    }
  });

  test("an error is Kratos', and never what was thrown", async () => {
    const missing = await ask("/v1/shelves/1/books/missing");
    expect([missing.status, await missing.json()]).toEqual([
      404,
      {
        ...{ code: 404, reason: "BOOK_MISSING", message: "no shelves/1/books/missing" },
        metadata: { name: "shelves/1/books/missing" },
      },
    ]);
    const broken = await ask("/v1/shelves/1/books/broken");
    expect(await broken.json()).toMatchObject({ code: 500, message: "internal error" });
    expect((await ask("/v1/shelves/1/books/2", { method: "PUT" })).headers.get("allow")).toBe(
      "DELETE, GET, HEAD, PATCH",
    );
  });

  test("a stream is lines, or events", async () => {
    const lines = await (await ask("/v1/shelves/1:watch?page_size=3")).text();
    expect(
      lines
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { name: "shelves/1/books/1" },
      { name: "shelves/1/books/2" },
      { error: { code: 400, reason: "TOO_MANY" } },
    ]);
    const headers = { accept: "text/event-stream" };
    const events = await (await ask("/v1/shelves/1:watch?page_size=1", { headers })).text();
    expect(events).toStartWith('data: {"name":"shelves/1/books/1"');
  });

  test("pages of origins that may call can", async () => {
    const origin = "https://shop.example";
    const asking = { origin, "access-control-request-method": "PATCH" };
    const preflight = await ask("/v1/shelves/1/books/2", { method: "OPTIONS", headers: asking });
    expect([preflight.status, preflight.headers.get("access-control-allow-methods")]).toEqual([
      204,
      "GET, HEAD, POST, PUT, PATCH, DELETE",
    ]);
    const answer = await ask("/v1/shelves/1/books/2", { headers: { origin } });
    expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
  });

  test("/openapi.json is what microrun openapi prints", async () => {
    const served = (await (await ask("/openapi.json")).json()) as { paths: object };
    const printed = await microrun(target, ["openapi", library]);
    expect([printed.code, printed.stderr]).toEqual([0, ""]);
    expect(JSON.parse(printed.stdout)).toEqual(served);
    expect(Object.keys(served.paths)).toContain("/v1/shelves/{shelf}/books/{book}:archive");
    const yaml = await microrun(target, ["openapi", library, "--output=yaml", "--server_name=books"]);
    expect(yaml.stdout).toStartWith("openapi: 3.1.0\ninfo:\n  title: books\n  version: 2.1.0\n");
  });

  test("--docs=false serves neither description nor page, as a cluster does unless told", async () => {
    const cluster = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: "1" };
    const [flagged, clustered, told] = [
      await serve(target, [library, "--docs=false"]),
      await serve(target, [library, "--registry=memory", "--config=env:"], { env: cluster }),
      await serve(target, [library, "--registry=memory", "--config=env:", "--docs"], { env: cluster }),
    ];
    await using _ = flagged;
    await using __ = clustered;
    await using ___ = told;
    const statuses = async (one: Running): Promise<number[]> =>
      Promise.all(
        ["/openapi.json", "/docs"].map(
          async (path) => (await fetch(`http://${one.address()}${path}`)).status,
        ),
      );
    expect(await statuses(flagged)).toEqual([404, 404]);
    expect(await statuses(clustered)).toEqual([404, 404]);
    expect(await statuses(told)).toEqual([200, 200]);
  });

  test("two methods of the same path are refused at the start, by their names", async () => {
    const proto = join(import.meta.dir, "fixtures/rest/conflict.proto");
    const outcome = await microrun(target, [library, `--proto=${proto}`, "--server_address=127.0.0.1:0"]);
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toContain(
      "google.api.http of library.v1.Library.ListBooks: GET /v1/{parent} is what calls library.v1.Library.GetBook",
    );
  });

  describe.skipIf(!hasBrowser)("the page", () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await openBrowser();
    });
    afterAll(() => browser?.close());

    test("lists the operations, filters them, and shows one that a link names", async () => {
      await using visited = await visit(browser, `${url}/docs#Library_CreateBook`);
      const { page, wrongs } = visited;
      await page.waitForSelector("#Library_CreateBook[open] form");
      expect(await page.title()).toBe("library 2.1.0");
      expect(await page.locator(".operation").count()).toBe(14);
      expect(await page.locator("#Library_CreateBook .fields").first().innerText()).toContain(
        "What is on its cover.",
      );
      await page.keyboard.press("/");
      await page.keyboard.type("watch");
      expect(await page.locator(".operation:visible").count()).toBe(1);
      expect(wrongs).toEqual([]);
    });

    test("calls an operation by the keyboard alone, and shows what came", async () => {
      await using visited = await visit(browser, `${url}/docs#Library_GetBook`, { colorScheme: "dark" });
      const { page, wrongs } = visited;
      await page.waitForSelector("#Library_GetBook form");
      await page.locator("#Library_GetBook form input").first().focus();
      for (const key of ["a b", "Tab", "7", "Enter"]) {
        if (key.length > 1 && key !== "a b") await page.keyboard.press(key);
        else await page.keyboard.type(key);
      }
      await page.waitForSelector("#Library_GetBook output .ok");
      const shown = await page.locator("#Library_GetBook output").innerText();
      expect(shown).toContain('"name": "shelves/a b/books/7"');
      expect(shown).toContain(`curl '${url}/v1/shelves/a%20b/books/7'`);
      expect(wrongs).toEqual([]);
    });
  });
});
