/** The dashboard in a browser, from source and as the binary: looked at, used by keyboard, and attacked. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Browser, hasBrowser, openBrowser, type Page, visit } from "./browser.ts";
import { folder, greeter, type Running, serve, targets } from "./harness.ts";
import { accessibilityFaults } from "./page-checks.ts";

const shop = join(import.meta.dir, "fixtures/dashboard/shop.ts");
const payload = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';
const config = `mongodb: { host: 127.0.0.1, password: hunter2 }\ntitle: '${payload}'\n`;
const tabs = ["", "/call", "/logs", "/events", "/config"];

const isHacked = (page: Page): Promise<boolean> => page.evaluate<boolean>("'hacked' in window");
const call = (method: string): string => `/services/shop/call?endpoint=shop.v1.Shop%2F${method}`;

for (const target of targets) {
  describe.skipIf(!hasBrowser)(`the dashboard (${target.name})`, () => {
    const stack = new AsyncDisposableStack();
    let browser: Browser;
    let url: string;
    let board: Running;
    let service: Running;

    beforeAll(async () => {
      const files = stack.use(folder({ "config.yaml": config }));
      browser = await openBrowser();
      stack.defer(() => browser.close());
      const source = `--config=file:${join(files.path, "config.yaml")}`;
      // a registry of its own: other tests of this process have theirs
      const env = { XDG_RUNTIME_DIR: files.path };
      service = stack.use(await serve(target, [shop, "--inspect", source], { env }));
      stack.use(await serve(target, [greeter], { env }));
      board = stack.use(
        await serve(target, ["dashboard", "--address=127.0.0.1:0"], {
          env,
          ownAddress: false,
          until: /Dashboard: \S+\n/,
        }),
      );
      url = /Dashboard: (\S+)\/\n/.exec(board.stdout())![1]!;
    }, 60_000);
    afterAll(() => stack.disposeAsync());

    test("the services are listed with their health, and stay so", async () => {
      await using seen = await visit(browser, `${url}/`);
      const { page } = seen;
      await page.waitForSelector("#services tr:has-text('shop') .health.ok");
      await page.waitForSelector("#services tr:has-text('greeter') .health.ok");
      expect(await page.textContent("#link")).toBe("live");
      expect(await page.locator("#services").innerText()).toContain(service.address());
      expect(seen.wrongs).toEqual([]);
    });

    // pages are the same wherever they come from
    const once = target === targets[0] ? test : () => {};

    once(
      "each page shows without an error, in order for who hears it, in both colours and at 360 px",
      async () => {
        for (const path of [
          "/",
          ...tabs.map((tab) => `/services/shop${tab}`),
          call("Talk"),
          "/services/nobody",
        ])
          for (const colorScheme of ["light", "dark"] as const) {
            await using seen = await visit(browser, `${url}${path}`, {
              colorScheme,
              viewport: { width: 360, height: 740 },
            });
            await seen.page.waitForTimeout(300);
            expect([path, colorScheme, await accessibilityFaults(seen.page)]).toEqual([
              path,
              colorScheme,
              [],
            ]);
            const width = await seen.page.evaluate<number>("document.documentElement.scrollWidth");
            expect([path, width]).toEqual([path, 360]);
            expect(seen.wrongs.filter((text) => !text.includes("404"))).toEqual([]);
          }
      },
      60_000,
    );

    test("a call by the form sends what its fields say, each in its type", async () => {
      await using seen = await visit(browser, `${url}${call("Buy")}`);
      const { page } = seen;
      await page.fill('[data-name="name"] >> nth=0 >> input', "Jo");
      await page.fill('[data-name="cents"] input', "9007199254740993");
      await page.fill('[data-name="count"] input', "3");
      await page.selectOption('[data-name="size"] select', "LARGE");
      await page.check('[data-name="gift"] input');
      await page.selectOption('[data-name="express"] select', "false");
      await page.click("text=Add to items");
      await page.fill('[data-name="items"] [data-item] [data-name="name"] input', "pen");
      await page.click("text=Add to tags");
      await page.fill('[data-name="tags"] [data-item] input', "blue");
      await page.click("text=Add to stock");
      await page.fill('[data-name="stock"] [data-key]', "paper");
      await page.fill('[data-name="stock"] input[type=number]', "-5");
      await page.selectOption("[data-which]", "cash");
      await page.fill('[data-member="cash"] input', "1.5");
      await page.fill('[data-name="address"] [data-name="city"] input', "Ulm");
      await page.click("text=Instance, metadata, deadline");
      await page.selectOption("select[name=instance]", { index: 1 });
      await page.click("button[type=submit]");
      await page.waitForSelector("#outcome.good");
      const { order } = JSON.parse((await page.textContent("#replies pre"))!);
      expect(order).toEqual({
        ...{ name: "Jo", cents: "9007199254740993", count: 3, size: "LARGE", gift: true, express: false },
        ...{ items: [{ name: "pen", tags: ["blue"] }], stock: { paper: -5 }, cash: { amount: 1.5 } },
        address: { city: "Ulm" },
      });
      // the form as JSON, to be changed by hand
      await page.check("input[value=json]");
      expect(JSON.parse(await page.inputValue("textarea[name=json]"))).toEqual(order);
      await page.fill("textarea[name=json]", '{"nmae":"Jo"}');
      await page.click("button[type=submit]");
      await page.waitForSelector("#outcome.bad");
      expect(await page.textContent("#outcome")).toContain("did you mean name?");
      expect(seen.wrongs).toEqual([]);
    });

    test("a stream is shown as it comes, and can be stopped", async () => {
      await using seen = await visit(browser, `${url}${call("Watch")}`);
      const { page } = seen;
      await page.fill('[data-name="count"] input', "3");
      await page.click("button[type=submit]");
      await page.waitForSelector("#replies li");
      // the first is there before the last
      expect(await page.textContent("#outcome")).toMatch(/^[12] repl(y|ies) so far\.$/);
      await page.waitForSelector("#outcome.good");
      expect(await page.locator("#replies li").count()).toBe(3);
      await page.fill('[data-name="count"] input', "1000");
      await page.click("button[type=submit]");
      await page.waitForSelector("#replies li");
      await page.click("#stop");
      await page.waitForSelector("#outcome:has-text('Stopped after')");
    });

    test("messages are added to a call while it is open, until it is ended", async () => {
      await using seen = await visit(browser, `${url}${call("Talk")}`);
      const { page } = seen;
      for (const [index, text] of ["one", "two"].entries()) {
        await page.fill('[data-name="text"] input', text);
        await page.click("button[type=submit]");
        await page.waitForSelector(`#replies li:nth-child(${index + 1}):has-text("${text.toUpperCase()}")`);
      }
      await page.click("#finish");
      await page.waitForSelector("#outcome.good:has-text('2 replies')");
      await page.goto(`${url}${call("Add")}`);
      for (const name of ["pen", "ink"]) {
        await page.fill('[data-name="name"] input', name);
        await page.click("button[type=submit]");
        await page.waitForSelector("#finish:not([disabled])");
      }
      await page.click("#finish");
      await page.waitForSelector('#replies li:has-text("pen and ink")');
    });

    test("a failed call tells its code", async () => {
      await using seen = await visit(browser, `${url}${call("Fail")}`);
      await seen.page.click("button[type=submit]");
      await seen.page.waitForSelector("#outcome.bad:has-text('failed_precondition: closed')");
    });

    test("charts get points, and endpoints their use", async () => {
      await using seen = await visit(browser, `${url}/services/shop`);
      const { page } = seen;
      await page.waitForSelector('#uses tr:has-text("shop.v1.Shop/Buy")');
      for (const chart of ["calls", "errors", "latency"])
        await page.waitForSelector(`[data-chart=${chart}][data-points]:not([data-points="1"])`);
      await page.waitForSelector("#topics tr:has-text('bought')");
      // the errors of the test before
      expect(await page.textContent('#uses tr:has-text("shop.v1.Shop/Fail") .bad')).toBe("1");
      expect(await page.locator("[data-chart] canvas").count()).toBe(3);
      expect(seen.wrongs).toEqual([]);
    });

    test("logs come live, are filtered and held back", async () => {
      await using seen = await visit(browser, `${url}/services/shop/logs`);
      const { page } = seen;
      await page.waitForSelector("#log li:has-text('Starting [service] shop')");
      await page.selectOption("#log-level", "warn");
      await page.waitForSelector("#log li:has-text('Starting')", { state: "hidden" });
      await page.fill("#log-filter", "nothing like this");
      expect(await page.locator("#log li:visible").count()).toBe(0);
      await page.fill("#log-filter", "");
      const before = await page.locator("#log li:visible").count();
      await page.click("#pause");
      await buy(browser, url);
      await page.waitForSelector("#pause[aria-pressed=true]:has-text('Resume (1)')");
      expect(await page.locator("#log li:visible").count()).toBe(before);
      await page.click("#pause");
      await page.locator("#log li:visible").nth(before).waitFor();
    });

    test("events show what is published and received", async () => {
      await using seen = await visit(browser, `${url}/services/shop/events`);
      await seen.page.waitForSelector("#events tr:has-text('published')");
      await seen.page.waitForSelector("#events tr:has-text('received')");
      expect(await seen.page.locator("#events").innerText()).toContain("bought");
    });

    test("configuration is told with its sources, without secrets", async () => {
      await using seen = await visit(browser, `${url}/services/shop/config`);
      const { page } = seen;
      const text = await page.locator("main").innerText();
      expect(text).toMatch(/mongodb\.host\s+"127\.0\.0\.1"\s+file:/);
      expect(text).toMatch(/mongodb\.password\s+\*\*\*/);
      expect(await page.content()).not.toContain("hunter2");
      expect(text).toMatch(/inspect\s+true\s+--inspect/);
      await page.fill("[data-filter=config]", "password");
      expect(await page.locator("#config tr:visible").count()).toBe(1);
    });

    test("an instance without --inspect says what it does not tell", async () => {
      await using seen = await visit(browser, `${url}/services/greeter/config`);
      expect(await seen.page.locator("main").innerText()).toContain("start it with --inspect");
      await seen.page.goto(`${url}/services/greeter/events`);
      await seen.page.waitForSelector("#troubles:has-text('start it with --inspect')");
      await seen.page.goto(`${url}/services/greeter/logs`);
      await seen.page.waitForSelector("#log li:has-text('Starting [service] greeter')");
    });

    test("colours follow the system, or what was chosen", async () => {
      const background = (page: Page) =>
        page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
      await using light = await visit(browser, `${url}/`, { colorScheme: "light" });
      await using dark = await visit(browser, `${url}/`, { colorScheme: "dark" });
      const [bright, dim] = [await background(light.page), await background(dark.page)];
      expect(bright).not.toBe(dim);
      await light.page.selectOption("#theme", "dark");
      expect(await background(light.page)).toBe(dim);
      await light.page.reload();
      expect(await background(light.page)).toBe(dim);
      expect(await light.page.inputValue("#theme")).toBe("dark");
    });

    test("everything is reached by the keyboard alone", async () => {
      await using seen = await visit(browser, `${url}/`);
      const { page } = seen;
      await page.waitForSelector("#services .health.ok");
      const focused = () => page.evaluate<string>("document.activeElement.textContent.trim()");
      const tabTo = async (text: string | RegExp): Promise<void> => {
        for (let at = 0; at < 40; at++) {
          await page.keyboard.press("Tab");
          const told = await focused();
          if (typeof text === "string" ? told === text : text.test(told)) return;
        }
        throw new Error(`no way by Tab to ${text}`);
      };
      await tabTo("Skip to content");
      await page.keyboard.press("Enter");
      expect(page.url()).toEndWith("#main");
      await tabTo("shop");
      // tables that change take no focus away
      await page.waitForTimeout(2500);
      expect(await focused()).toBe("shop");
      await page.keyboard.press("Enter");
      await page.waitForURL(`${url}/services/shop`);
      await tabTo("Call");
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/call$/);
      await tabTo(/^Shop\/Talk/);
      await page.keyboard.press("Enter");
      await page.waitForURL(/Talk$/);
      await page.keyboard.press("Tab");
      for (let at = 0; at < 20; at++) {
        if (await page.evaluate<boolean>("document.activeElement.matches('[data-name=text] input')")) break;
        await page.keyboard.press("Tab");
      }
      await page.keyboard.type("typed");
      await page.keyboard.press("Enter");
      await page.waitForSelector("#replies li:has-text('TYPED')");
      await tabTo("End requests");
      await page.keyboard.press("Enter");
      await page.waitForSelector("#outcome.good");
    }, 30_000);

    once(
      "texts of others never run: names, metadata, logs, events, configuration, replies",
      async () => {
        await buy(browser, url);
        for (const path of [
          "/",
          ...tabs.map((tab) => `/services/shop${tab}`),
          `/services/${encodeURIComponent(payload)}`,
        ]) {
          await using seen = await visit(browser, `${url}${path}`);
          await seen.page.waitForTimeout(900);
          if (path.endsWith("/call")) {
            await seen.page.fill('[data-name="name"] >> nth=0 >> input', payload);
            await seen.page.click("button[type=submit]");
            await seen.page.waitForSelector("#outcome.good");
          }
          const text = await seen.page.locator("main").innerText();
          if (path !== "/") expect([path, text.includes("<img src=x onerror=")]).toEqual([path, true]);
          expect([path, await isHacked(seen.page)]).toEqual([path, false]);
          expect(seen.wrongs.filter((wrong) => !wrong.includes("404"))).toEqual([]);
        }
      },
      30_000,
    );

    test("a page of another origin neither calls nor reads", async () => {
      await using other = stranger();
      await using seen = await visit(browser, other.url);
      const outcome = await seen.page.evaluate<string[]>(`(async () => {
        const tried = (how, path) =>
          fetch("${url}" + path, how).then(({ ok }) => (ok ? "let in" : "refused"), () => "refused");
        const headers = { "content-type": "application/json", "x-dashboard-token": "guess" };
        const path = "/services/shop/call";
        const events = new Promise((resolve) => {
          const source = new EventSource("${url}/live/services");
          source.onopen = () => resolve("let in");
          source.onerror = () => resolve("refused");
        });
        return [
          await tried({}, "/"),
          await tried({ method: "POST", headers, body: "{}" }, path),
          await tried({ method: "POST", mode: "no-cors", body: "{}" }, path),
          await events,
        ];
      })()`);
      expect(outcome).toEqual(["refused", "refused", "refused", "refused"]);
      // nor is it shown within such a page
      await seen.page.evaluate(`(() => {
        const frame = document.createElement("iframe");
        frame.src = "${url}";
        document.body.append(frame);
      })()`);
      await seen.page.waitForTimeout(500);
      expect(seen.page.frames().some((frame) => frame.url().startsWith(url))).toBe(false);
    });

    test("a name that was made to lead here is refused, before anything is told", async () => {
      for (const host of ["evil.example", "evil.example:8082", "127.0.0.1.nip.example"]) {
        const answer = await fetch(`${url}/`, { headers: { host } });
        expect([host, answer.status, (await answer.text()).includes("shop")]).toEqual([host, 403, false]);
      }
      const port = new URL(url).port;
      // as after a rebinding: the browser itself takes the name for this machine
      await using rebound = await openBrowser("--host-resolver-rules=MAP evil.example 127.0.0.1");
      await using seen = await visit(rebound, `http://evil.example:${port}/`);
      expect(await seen.page.locator("body").innerText()).toContain('not known as "evil.example"');
      expect(
        (await fetch(`http://localhost:${port}/`, { headers: { host: `localhost:${port}` } })).status,
      ).toBe(200);
    });

    test("a call without the page's token is refused, and every answer has the browser on guard", async () => {
      const body = JSON.stringify({ endpoint: "shop.v1.Shop/Buy", message: {} });
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${url}/services/shop/call`, { method: "POST", headers, body });
      expect(answer.status).toBe(403);
      for (const path of ["/", "/assets/dashboard.js", "/nowhere"]) {
        const { headers: told } = await fetch(`${url}${path}`);
        expect(told.get("content-security-policy")).toMatch(/^default-src 'self'; .*frame-ancestors 'none'/);
        expect(told.get("content-security-policy")).not.toContain("unsafe");
        expect(told.get("x-content-type-options")).toBe("nosniff");
        expect(told.get("access-control-allow-origin")).toBeNull();
      }
    });

    test("beyond this machine it warns and demands its token", async () => {
      const running = await serve(target, ["dashboard", "--address=0.0.0.0:0"], {
        ownAddress: false,
        until: /Dashboard: \S+\n/,
      });
      await using _ = running;
      const [, printed = "", token = ""] =
        /Dashboard: (http:\/\/[^/]+)\/\?token=(\S+)\n/.exec(running.stdout()) ?? [];
      const own = printed.replace("localhost", "127.0.0.1");
      await running.logged(/in reach of others/);
      expect(token.length).toBeGreaterThan(20);
      expect((await fetch(`${own}/`)).status).toBe(401);
      expect((await fetch(`${own}/?token=${token}x`)).status).toBe(401);
      await using seen = await visit(browser, `${own}/?token=${token}`);
      expect(seen.page.url()).toBe(`${own}/`);
      await seen.page.waitForSelector("h1:has-text('Services')");
    });

    test("it ends by a signal, whoever looks on", async () => {
      const running = await serve(target, ["dashboard", "--address=127.0.0.1:0"], {
        ownAddress: false,
        until: /Dashboard: \S+\n/,
      });
      const [, own = ""] = /Dashboard: (\S+)\n/.exec(running.stdout()) ?? [];
      await using seen = await visit(browser, own);
      await seen.page.waitForSelector("#link.live");
      running.signal("SIGTERM");
      expect(await running.exited).toBe(0);
      expect(running.log()).toBe("");
      await seen.page.waitForSelector("#link.lost");
    });
  });
}

async function buy(browser: Browser, url: string): Promise<void> {
  await using seen = await visit(browser, `${url}${call("Buy")}`);
  await seen.page.click("button[type=submit]");
  await seen.page.waitForSelector("#outcome.good");
}

/** A page of somebody else. */
function stranger(): AsyncDisposable & { readonly url: string } {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response("<!doctype html><body>hello", { headers: { "content-type": "text/html" } }),
  });
  return { url: `http://127.0.0.1:${server.port}/`, [Symbol.asyncDispose]: () => server.stop(true) };
}
