/** How the HTTP side ends things: streams, callers who leave, connections that are silent, a stop that loses nothing. */
import { describe, expect, test } from "bun:test";
import type { Fetch } from "../src/call.ts";
import { keepAsking } from "./http-clients.ts";
import { greeterFetch, hosts, raw } from "./http-hosts.ts";

const call = (name: string): string => {
  const body = JSON.stringify({ name });
  return `POST /greeter.Greeter/Hello HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
};
const page = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;

/** A call that waits until it is told to go on. */
function waiting() {
  const arrived = Promise.withResolvers<AbortSignal>();
  const goOn = Promise.withResolvers<void>();
  const fetch = greeterFetch({
    async wait({ signal }) {
      arrived.resolve(signal);
      await goOn.promise;
      return { greeting: "at last" };
    },
  });
  return { fetch, arrived: arrived.promise, goOn: goOn.resolve };
}

describe.each(hosts)("$name", ({ name, open }) => {
  const web = (fetch: Fetch, more = {}) => open({ fetch: greeterFetch({ fetch }), ...more });

  test("a stop lets requests under way end, closes idle connections, and takes no new ones", async () => {
    const { fetch, arrived, goOn } = waiting();
    const server = await open({ fetch });
    const idle = await raw(server.address, page("/livez"));
    await idle.until("ok");
    const busy = await raw(server.address, call("wait"));
    await arrived;
    const stopped = server[Symbol.asyncDispose]();
    await idle.closed;
    await expect(globalThis.fetch(`http://${server.address}/livez`)).rejects.toThrow();
    goOn();
    await busy.closed;
    expect(busy.text()).toContain('{"greeting":"at last"}');
    await stopped;
  });

  test("a stop loses no request of clients that keep their connections", async () => {
    const server = await open({ fetch: greeterFetch() });
    const clients = Array.from({ length: 20 }, () => keepAsking(server.address, call("John")));
    await Bun.sleep(200);
    await server[Symbol.asyncDispose]();
    for (const { answered, lost } of await Promise.all(clients)) {
      expect(lost).toBe("");
      expect(answered).toBeGreaterThan(1);
    }
  });

  test("a server that clients had better leave says so with each answer, and goes on", async () => {
    let leaving = false;
    await using server = await open({ fetch: greeterFetch(), leaving: () => leaving });
    const client = await raw(server.address, page("/livez"));
    await client.until("ok");
    expect(client.text()).not.toMatch(/connection: close/i);
    leaving = true;
    client.socket.write(page("/health"));
    await client.closed;
    expect(client.text()).toMatch(/connection: close\r\n.*OK$/is);
    expect((await globalThis.fetch(`http://${server.address}/health`)).status).toBe(200);
  });

  test("a stop waits so long and no longer, and tells those left that it is unavailable", async () => {
    const { fetch, arrived } = waiting();
    const server = await open({ fetch, drainTimeoutMs: 100 });
    const busy = await raw(server.address, call("wait"));
    const signal = await arrived;
    const begin = performance.now();
    await server[Symbol.asyncDispose]();
    expect(performance.now() - begin).toBeLessThan(1000);
    await busy.closed;
    expect(busy.text()).toStartWith("HTTP/1.1 503");
    expect(busy.text()).toContain('{"code":"unavailable","message":"the server is stopping"}');
    expect(signal.reason).toMatchObject({ code: "unavailable" });
  });

  test("a stop cuts an endless page after its time", async () => {
    const cancelled = Promise.withResolvers<void>();
    const server = await web(
      () =>
        new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\n")),
            cancel: () => cancelled.resolve(),
          }),
          { headers: { "content-type": "text/event-stream" } },
        ),
      { drainTimeoutMs: 50 },
    );
    const client = await raw(server.address, page("/events"));
    await client.until("data: 1");
    await server[Symbol.asyncDispose]();
    await client.closed;
    await cancelled.promise;
  });

  test("a page that never has to wait lets others have their turn, and ends when nobody reads it", async () => {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    await using server = await web(() => {
      let row = 0;
      const pull = (controller: ReadableStreamDefaultController) =>
        controller.enqueue(new TextEncoder().encode(`row ${row++}\n`));
      return new Response(new ReadableStream({ pull, cancel: () => resolve() }));
    });
    const client = await raw(server.address, page("/rows"));
    await client.until("row 9");
    expect((await globalThis.fetch(`http://${server.address}/livez`)).status).toBe(200);
    client.socket.destroy();
    await ended;
  });

  test("a stop with nobody there takes no time, and twice is once", async () => {
    const server = await open({ fetch: greeterFetch() });
    const begin = performance.now();
    await Promise.all([server[Symbol.asyncDispose](), server[Symbol.asyncDispose]()]);
    expect(performance.now() - begin).toBeLessThan(100);
  });

  test("a caller who leaves aborts the signal of its call and of its page", async () => {
    const { fetch, arrived } = waiting();
    await using server = await open({ fetch, drainTimeoutMs: 50 });
    const client = await raw(server.address, call("wait"));
    const signal = await arrived;
    expect(signal.aborted).toBe(false);
    client.socket.destroy();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    expect(signal.reason).toMatchObject({ code: "cancelled" });

    const left = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    await using other = await web(
      ({ signal }) => {
        signal.addEventListener("abort", () => left.resolve());
        asked.resolve();
        return new Promise(() => {});
      },
      { drainTimeoutMs: 50 },
    );
    const visitor = await raw(other.address, page("/page"));
    await asked.promise;
    visitor.socket.destroy();
    await left.promise;
  });

  test("a page's request is whole, and its body comes as it is sent", async () => {
    const chunks: string[] = [];
    await using server = await web(async (request) => {
      const again = new Request(request);
      for await (const chunk of again.body ?? []) chunks.push(new TextDecoder().decode(chunk));
      return Response.json({ url: again.url, type: again.headers.get("content-type") });
    });
    const head = `POST /upload?x HTTP/1.1\r\nhost: a.test\r\ncontent-type: text/x\r\ntransfer-encoding: chunked\r\n\r\n`;
    const client = await raw(server.address, `${head}3\r\nabc\r\n`);
    for (const stop = Date.now() + 2000; chunks.length === 0 && Date.now() < stop; ) await Bun.sleep(5);
    expect(chunks).toEqual(["abc"]);
    client.socket.write("3\r\ndef\r\n0\r\n\r\n");
    await client.until('{"url":"http://a.test/upload?x","type":"text/x"}');
    expect(chunks).toEqual(["abc", "def"]);
    client.socket.destroy();
  });

  test("a page's stream is not made faster than it is read", async () => {
    let made = 0;
    await using server = await web(
      () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              made += 65_536;
              controller.enqueue(new Uint8Array(65_536));
            },
          }),
        ),
      { drainTimeoutMs: 50 },
    );
    const client = await raw(server.address, page("/endless"));
    client.socket.pause();
    let before = -1;
    for (let turn = 0; turn < 40 && before !== made; turn++) {
      before = made;
      await Bun.sleep(50);
    }
    expect(made).toBe(before);
    expect(made).toBeLessThan(64 * 1024 * 1024);
    client.socket.destroy();
  });

  test("a page whose stream fails is cut, its error kept", async () => {
    await using server = await web(({ url }) => {
      if (url.endsWith("/at-once"))
        return new Response(new ReadableStream({ pull: () => Promise.reject(new Error("hunter2")) }));
      let sent = false;
      return new Response(
        new ReadableStream({
          async pull(controller) {
            if (sent) throw new Error("hunter2");
            sent = true;
            controller.enqueue(new TextEncoder().encode("begin"));
            await Bun.sleep(20);
          },
        }),
      );
    });
    const client = await raw(server.address, page("/later"));
    await client.closed;
    expect(client.text()).toContain("begin");
    expect(client.text()).not.toContain("0\r\n\r\n");
    const other = await raw(server.address, page("/at-once"));
    await Bun.sleep(50);
    expect(client.text() + other.text()).not.toContain("hunter2");
    other.socket.destroy();
  });

  test("headers, cookies, statuses and empty pages arrive as they were made", async () => {
    await using server = await web(({ url }) => {
      if (url.endsWith("/empty")) return new Response(null, { status: 204 });
      if (url.endsWith("/moved")) return Response.redirect("http://a.test/", 302);
      const response = new Response("text", { status: 418, headers: { "x-a": "1" } });
      response.headers.append("set-cookie", "a=1");
      response.headers.append("set-cookie", "b=2");
      return response;
    });
    const url = `http://${server.address}`;
    const tea = await fetch(`${url}/tea`);
    expect([tea.status, tea.headers.getSetCookie(), tea.headers.get("x-a"), await tea.text()]).toEqual([
      418,
      ["a=1", "b=2"],
      "1",
      "text",
    ]);
    expect((await fetch(`${url}/empty`)).status).toBe(204);
    const moved = await fetch(`${url}/moved`, { redirect: "manual" });
    expect([moved.status, moved.headers.get("location")]).toEqual([302, "http://a.test/"]);
    const head = await fetch(`${url}/tea`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([418, ""]);
    expect(head.headers.get("content-length")).not.toBe("0");
  });

  // Bun.serve says 0
  const ours = name.includes("Bun.serve") ? () => {} : test;
  ours("an answer to HEAD claims no length that is not known", async () => {
    await using server = await web(({ url }) => {
      const headers: Record<string, string> = url.endsWith("/known") ? { "content-length": "7" } : {};
      return new Response(null, { headers });
    });
    const lengths = async (method: string, path: string): Promise<string | undefined> => {
      const client = await raw(
        server.address,
        `${method} ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
      );
      await client.closed;
      return /content-length: (\d+)/.exec(client.text())?.[1];
    };
    expect(await lengths("HEAD", "/page")).toBeUndefined();
    expect(await lengths("HEAD", "/known")).toBe("7");
    expect(await lengths("GET", "/page")).toBe("0");
    // there is no body, whatever it says
    expect(await lengths("GET", "/known")).toBe("0");
  });

  test("a body's own type is told", async () => {
    const form = new FormData();
    form.set("a", "b");
    const bodies: Record<string, () => NonNullable<ConstructorParameters<typeof Response>[0]>> = {
      text: () => "text",
      "long-text": () => "ä".repeat(100_001),
      blob: () => new Blob(["x"]),
      css: () => new Blob(["x"], { type: "text/css" }),
      query: () => new URLSearchParams("a=b"),
      form: () => form,
    };
    await using server = await web(({ url }) => new Response(bodies[url.split("/").at(-1)!]!()));
    const ask = (name: string): Promise<Response> => fetch(`http://${server.address}/${name}`);
    const type = async (name: string): Promise<string | null> =>
      (await ask(name)).headers.get("content-type");
    expect(await type("text")).toBe("text/plain;charset=utf-8");
    expect(await type("long-text")).toBe("text/plain;charset=utf-8");
    expect(await type("blob")).toBe("text/plain;charset=utf-8");
    expect(await type("css")).toBe("text/css;charset=utf-8");
    expect(await type("query")).toBe("application/x-www-form-urlencoded;charset=UTF-8");
    expect((await (await ask("form")).formData()).get("a")).toBe("b");
  });

  test("hundreds of requests at once are all answered", async () => {
    await using server = await open({ fetch: greeterFetch() });
    const path = `http://${server.address}/greeter.Greeter/Hello`;
    const replies = await Promise.all(
      Array.from({ length: 300 }, async (_, n) =>
        (await fetch(path, { method: "POST", body: `{"name":"${n}"}` })).json(),
      ),
    );
    expect(replies).toEqual(Array.from({ length: 300 }, (_, n) => ({ greeting: `Hello ${n}` })));
  });
});

describe.each(hosts.slice(0, 2))("$name", ({ open }) => {
  test("a client that never ends its headers is cut", async () => {
    await using server = await open({ fetch: greeterFetch(), headTimeoutMs: 100 });
    const slow = await raw(server.address, "GET / HTTP/1.1\r\nhost: x\r\n");
    await slow.closed;
  });

  test("headers that are too large are refused", async () => {
    await using server = await open({ fetch: greeterFetch() });
    const client = await raw(server.address, `GET / HTTP/1.1\r\nx: ${"a".repeat(20_000)}\r\n\r\n`);
    await client.closed;
    expect(client.text()).toStartWith("HTTP/1.1 431");
  });

  test("a request that is on its way when the stop begins is answered", async () => {
    const server = await open({ fetch: greeterFetch() });
    const client = await raw(server.address, "GET /livez HTTP/1.1\r\n");
    await Bun.sleep(20);
    const stopped = server[Symbol.asyncDispose]();
    client.socket.write("host: x\r\n\r\n");
    await client.closed;
    expect(client.text()).toMatch(/^HTTP\/1.1 200 OK\r\n.*connection: close\r\n.*ok$/is);
    await stopped;
  });

  test("requests that are sent ahead are answered in their order, one at a time", async () => {
    let running = 0;
    let most = 0;
    const fetch: Fetch = async ({ url }) => {
      most = Math.max(most, ++running);
      await Bun.sleep(url.endsWith("/1") ? 30 : 0);
      running--;
      return new Response(`page ${url.at(-1)}`);
    };
    await using server = await open({ fetch, drainTimeoutMs: 50 });
    const client = await raw(server.address, page("/1") + page("/2") + page("/3"));
    await client.until("page 3");
    expect(client.text().match(/page \d/g)).toEqual(["page 1", "page 2", "page 3"]);
    expect(most).toBe(1);
    client.socket.destroy();
  });

  test("a client that waits to be told to go on is told once its body is wanted", async () => {
    const fetch: Fetch = async (request) =>
      new Response(request.url.endsWith("/read") ? `read ${await request.text()}` : "not read");
    await using server = await open({ fetch, drainTimeoutMs: 50 });
    const expecting = (path: string): string =>
      `POST ${path} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n`;
    const told = await raw(server.address, expecting("/read"));
    await told.until("100 Continue");
    told.socket.write("abc");
    await told.until("read abc");
    told.socket.destroy();
    const refused = await raw(server.address, expecting("/other"));
    await refused.closed;
    expect(refused.text()).toMatch(/^HTTP\/1.1 200 OK\r\n.*connection: close\r\n.*not read$/s);
  });

  test("an answer that comes before its request's body leaves the connection in order", async () => {
    const fetch: Fetch = ({ url }) => new Response(`page ${url.at(-1)}`);
    await using server = await open({ fetch, drainTimeoutMs: 50 });
    const client = await raw(server.address, "POST /1 HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nab");
    await client.until("page 1");
    client.socket.write(`cde${page("/2")}`);
    await client.until("page 2");
    client.socket.destroy();
  });

  test("a length that a page promises and does not keep cuts the connection", async () => {
    const fetch: Fetch = () =>
      new Response(
        new ReadableStream({
          async start(controller) {
            controller.enqueue(new TextEncoder().encode("abc"));
            await Bun.sleep(20);
            controller.close();
          },
        }),
        { headers: { "content-length": "5" } },
      );
    await using server = await open({ fetch, drainTimeoutMs: 50 });
    const client = await raw(server.address, page("/"));
    await client.closed;
    expect(client.text()).toEndWith("content-length: 5\r\n\r\nabc");
  });

  test("a body that nobody will read to its end is answered with the connection's end", async () => {
    const fetch: Fetch = () => new Response("no", { status: 401 });
    await using server = await open({ fetch, drainTimeoutMs: 50 });
    for (const [body, closes] of [
      ["content-length: 5", false],
      ["content-length: 5000000", true],
      ["transfer-encoding: chunked", true],
    ] as const) {
      const client = await raw(server.address, `POST /x HTTP/1.1\r\nhost: x\r\n${body}\r\n\r\n`);
      await client.until("no");
      expect(/\r\nconnection: close\r\n/.test(client.text()), body).toBe(closes);
      client.socket.destroy();
    }
  });

  test("chunks that are none end the connection, and nothing behind them is taken for a request", async () => {
    let asked = 0;
    const fetch: Fetch = async (request) => {
      asked++;
      return new Response(await request.text());
    };
    await using server = await open({ fetch, drainTimeoutMs: 50 });
    const head = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    const client = await raw(server.address, `${head}3\r\nabcX\r\n${page("/smuggled")}`);
    await client.closed;
    expect(asked).toBe(1);
    expect(client.text()).toMatch(/^HTTP\/1\.1 400 .*\r\n\r\n$/s);
  });
});
