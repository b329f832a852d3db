/** What goes wrong around `microrun gateway`: callers and services that are slow, gone, too large or up to no good. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Server, type Socket } from "node:net";
import { type Scene, scene, startGateway } from "./gateways.ts";
import { targets } from "./harness.ts";

/** What a server does with a connection, at a port of its own. */
async function listener(accept: (socket: Socket) => void): Promise<Disposable & { readonly port: string }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: String((server.address() as AddressInfo).port),
    [Symbol.dispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** What comes back until the server closes, or `ms` are over. */
function exchange(url: string, bytes: string | Buffer, ms = 3000): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let heard = "";
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(heard);
    };
    const timer = setTimeout(end, ms);
    socket.on("data", (data) => {
      heard += data.toString("latin1");
    });
    socket.on("close", end).on("error", end);
  });
}

const head = (path: string, more = ""): string =>
  `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${more}\r\n`;
const statusOf = (text: string): string => /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? text;

for (const target of targets)
  describe(target.name, () => {
    let open: Scene;
    beforeAll(async () => {
      open = await scene(target, [
        ...["--route=/shop/web=shop", "--max_message_bytes=10KiB", "--max_upload_bytes=20KiB"],
        ...["--upstream_timeout=300ms", "--client_request_timeout=300ms"],
      ]);
    });
    afterAll(() => open?.[Symbol.asyncDispose]());

    test("a path that can be read in two ways reaches nothing", async () => {
      const paths = [
        "//shop/get",
        "/shop//get",
        "/shop%2Fget",
        "/shop%2fweb%2f",
        "/shop/get%00",
        "/shop/web/..%5c..",
        "/shop/web/%2e%2e%2fx",
        "/%ff/get",
      ];
      for (const path of paths) expect(statusOf(await exchange(open.url, head(path))), path).toBe("400");
    });

    test("a path that means another one is that one", async () => {
      for (const path of ["/shop/web/../get?name=a", "/x/%2e%2e/shop/get?name=a", "/./shop/./get?name=a"])
        expect(await exchange(open.url, head(path)), path).toEndWith('{"name":"a"}');
    });

    test("a path that is none of a service's is not found, however it is written", async () => {
      const paths = [
        "/",
        "/sh%C3%B6p/get",
        "/shop/g%65t%20x",
        "/127.0.0.1/shop/get",
        "/shop:80/shop/get",
        "/shop/debug/health",
        "/shop./shop/get",
      ];
      for (const path of paths) {
        const text = await exchange(open.url, head(path));
        expect([statusOf(text), text.split("\r\n\r\n")[1]], path).toEqual([
          "500",
          '{"id":"","code":500,"detail":"not found","status":"Internal Server Error"}',
        ]);
      }
      for (const raw of [
        "GET  HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET \u00e9 HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET shop/get HTTP/1.1\r\nhost: a\r\n\r\n",
      ])
        expect(statusOf(await exchange(open.url, Buffer.from(raw)))).toBe("400");
    });

    test("a head that is too large is refused", async () => {
      expect(
        statusOf(await exchange(open.url, head("/shop/get", `x-large: ${"x".repeat(100_000)}\r\n`))),
      ).toBe("431");
      expect(statusOf(await exchange(open.url, head(`/shop/get?name=${"x".repeat(100_000)}`)))).toBe("414");
    });

    test("a body that is too large is refused, told beforehand or not", async () => {
      const body = JSON.stringify({ name: "x".repeat(30_000) });
      const chunks = () => new Blob([body]).stream();
      const headers = { "content-type": "application/json" };
      for (const path of ["/shop/get", "/shop/web/large"])
        for (const given of [body, chunks()]) {
          const init = { method: "POST", headers, body: given, duplex: "half" } as RequestInit;
          const response = await fetch(`${open.url}${path}`, init);
          expect([response.status, await response.json()], path).toMatchObject([413, { code: 413 }]);
        }
      expect(
        (await fetch(`${open.url}/shop/web/fits`, { method: "POST", body: "x".repeat(15_000) })).status,
      ).toBe(200);
    });

    test("a service that is slow is given up, and told so", async () => {
      const call = await fetch(`${open.url}/shop/get?name=slow`);
      expect([call.status, await call.json()]).toMatchObject([408, { code: 408 }]);
      await open.shop.logged(/aborted Get/);
      const web = await fetch(`${open.url}/shop/web/slow`);
      expect([web.status, await web.json()]).toMatchObject([504, { code: 504, status: "Gateway Timeout" }]);
      await open.shop.logged(/aborted fetch/);
    });

    test("a caller who leaves takes the call along", async () => {
      await using patient = await scene(target, ["--route=/shop/web=shop"]);
      const leave = async (
        path: string,
        until: (answer: Promise<Response>) => Promise<unknown>,
      ): Promise<void> => {
        const gone = new AbortController();
        const headers = path.includes("watch") ? { accept: "text/event-stream" } : {};
        const asked = fetch(`${patient.url}${path}`, { headers, signal: gone.signal });
        await until(asked);
        gone.abort();
        await asked.catch(() => {});
      };
      const read = async (answer: Promise<Response>) => (await answer).body!.getReader().read();
      await leave("/shop/get?name=slow", () => patient.shop.logged(/began Get/));
      await patient.shop.logged(/aborted Get/);
      await leave("/shop/watch?name=endless&count=1", read);
      await patient.shop.logged(/aborted Watch/);
      // one that says nothing yet
      await leave("/shop/watch?name=endless", async (answer) => expect((await answer).status).toBe(200));
      await patient.shop.logged(/(aborted Watch[\s\S]*){2}/);
      await leave("/shop/web/slow", () => patient.shop.logged(/began fetch/));
      await patient.shop.logged(/aborted fetch/);
      await leave("/shop/web/endless", read);
      await patient.shop.logged(/cancelled body/);
      const socket = new WebSocket(`${patient.url.replace("http", "ws")}/shop/watch?name=endless&count=1`);
      await new Promise((resolve) => {
        socket.onmessage = resolve;
      });
      socket.close();
      await patient.shop.logged(/(aborted Watch[\s\S]*){3}/);
    });

    test("a service that is gone is unavailable", async () => {
      const gone = await listener(() => {});
      const { port } = gone;
      gone[Symbol.dispose]();
      await using gateway = await startGateway(target, ["--selector=static", "--route=/web=localhost"], {
        STATIC_SELECTOR_PORT_NUMBER: port,
      });
      const url = `http://${gateway.address("http")}`;
      const call = await fetch(`${url}/localhost/greeter/hello?name=a`);
      expect([call.status, await call.json()]).toMatchObject([
        503,
        { code: 503, detail: "the service cannot be reached" },
      ]);
      const web = await fetch(`${url}/web/a`);
      expect([web.status, await web.json()]).toMatchObject([
        503,
        { code: 503, detail: "the service is not available" },
      ]);
    });

    test("a service that breaks off is a bad gateway, and half an answer is never a whole one", async () => {
      using broken = await listener((socket) => {
        socket.once("data", (data) => {
          if (data.includes("/web/half")) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf");
          setTimeout(() => socket.destroy(), 50);
        });
      });
      await using gateway = await startGateway(target, ["--selector=static", "--route=/web=localhost"], {
        STATIC_SELECTOR_PORT_NUMBER: broken.port,
      });
      const url = `http://${gateway.address("http")}`;
      expect((await fetch(`${url}/web/none`)).status).toBe(502);
      const half = await fetch(`${url}/web/half`)
        .then((response) => response.text())
        .catch((error: unknown) => error);
      expect(half).toBeInstanceOf(Error);
    });

    test("callers who never finish their heads are cut off, and keep nobody else", async () => {
      const { hostname, port } = new URL(open.url);
      const slow = Array.from({ length: 50 }, () => {
        const socket = connect(Number(port), hostname, () => socket.write("GET /shop/get HTTP/1.1\r\n"));
        const drip = setInterval(() => socket.write("x: y\r\n"), 1000);
        const cut = new Promise<void>((resolve) => socket.on("close", () => resolve()).on("error", () => {}));
        return cut.then(() => clearInterval(drip));
      });
      expect((await fetch(`${open.url}/shop/get?name=a`)).status).toBe(200);
      await Promise.all(slow);
      expect((await fetch(`${open.url}/shop/get?name=a`)).status).toBe(200);
    }, 30_000);

    test("a stop waits for what is under way, and takes no more", async () => {
      await using busy = await scene(target, ["--client_request_timeout=1s"]);
      const response = fetch(`${busy.url}/shop/get?name=slow`);
      await busy.shop.logged(/began Get/);
      busy.gateway.signal("SIGTERM");
      expect((await response).status).toBe(408);
      expect(await busy.gateway.exited).toBe(0);
    });
  });
