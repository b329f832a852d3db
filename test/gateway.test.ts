/** `microrun gateway` from outside: calls by path, streams, web services, tokens and rates. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync, sign } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Scene, scene, startGateway } from "./gateways.ts";
import { folder, microrun, serve, targets } from "./harness.ts";
import { peer } from "./peers.ts";

const json = { "content-type": "application/json" };
const post = (body: unknown, headers: Record<string, string> = json): RequestInit => ({
  ...{ method: "POST", headers, body: typeof body === "string" ? body : JSON.stringify(body) },
});
const notFound = '{"id":"","code":500,"detail":"not found","status":"Internal Server Error"}';

for (const target of targets)
  describe(target.name, () => {
    let open: Scene;
    beforeAll(async () => {
      open = await scene(target, ["--route=/shop/web=shop", "--route=www.example.com=shop", "--compress"]);
    });
    afterAll(() => open?.[Symbol.asyncDispose]());
    const ask = (path: string, init?: RequestInit) =>
      fetch(`${open.url}${path}`, { redirect: "manual", ...init });
    const said = async (path: string, init?: RequestInit) => {
      const response = await ask(path, init);
      return `${response.status} ${await response.text()}`;
    };

    test("a path calls an endpoint, by JSON, fields of a query or form, and protobuf", async () => {
      const apple = '200 {"name":"apple","count":"7"}';
      expect(await said("/shop/get", post({ name: "apple", count: 7 }))).toBe(apple);
      for (const method of ["PUT", "PATCH", "DELETE"])
        expect(await said("/shop/get", { ...post({ name: "apple", count: 7 }), method }), method).toBe(apple);
      expect(await said("/shop/get?name=apple&count=7")).toBe(apple);
      expect(await said("/shop/shop/get?name=apple&count=7")).toBe(apple);
      expect(
        await said("/shop/get", { method: "POST", body: new URLSearchParams("name=apple&count=7") }),
      ).toBe(apple);
      const form = new FormData();
      form.set("name", "apple");
      form.set("count", "7");
      expect(await said("/shop/get", { method: "POST", body: form })).toBe(apple);
      const bytes = "\n\u0005apple\u0010\u0007";
      const response = await ask("/shop/get", post(bytes, { "content-type": "application/protobuf" }));
      expect([response.headers.get("content-type"), await response.text()]).toEqual([
        "application/protobuf",
        bytes,
      ]);
    });

    test("an error is Go Micro's, its code the status, and tells no secrets", async () => {
      const missing = '{"id":"shop.item","code":404,"detail":"no such item","status":"Not Found"}';
      expect(await said("/shop/get?name=missing")).toBe(`404 ${missing}`);
      const internal =
        '{"id":"go.micro.api","code":500,"detail":"internal error","status":"Internal Server Error"}';
      expect(await said("/shop/get?name=broken")).toBe(`500 ${internal}`);
      expect(await said("/nosuch/get")).toBe(`500 ${notFound}`);
      expect(await said("/shop/get", post("{}", { "content-type": "text/weird" }))).toContain(
        '400 {"id":"go.micro.api","code":400,"detail":"Unsupported Content-Type"',
      );
      expect(await said("/shop/get", post("{"))).toStartWith('400 {"id":"go.micro.api","code":400');
      expect(await said("/shop/get", post({ nam: "x" }))).toContain("did you mean name?");
      expect(await said("/shop/get", { method: "OPTIONS" })).toStartWith("405 ");
    });

    test("/rpc takes a call spelt out, in JSON and as a form, and not to any address", async () => {
      const call = { service: "shop", endpoint: "Shop.Get", request: { name: "pear" } };
      expect(await said("/rpc", post(call))).toBe('200 {"name":"pear"}');
      const { endpoint: method, ...rest } = call;
      expect(await said("/rpc", post({ ...rest, method }))).toBe('200 {"name":"pear"}');
      const form = new URLSearchParams({ service: "shop", method, request: '{"name":"pear"}' });
      expect(await said("/rpc", { method: "POST", body: form })).toBe('200 {"name":"pear"}');
      expect(await said("/rpc", post({ ...call, address: "127.0.0.1:1" }))).toContain(
        '403 {"id":"go.micro.rpc"',
      );
      expect(await said("/rpc", post({ endpoint: "Shop.Get" }))).toContain('"detail":"invalid service"');
      expect(await said("/rpc", post({ ...call, endpoint: "Get" }))).toContain('"detail":"invalid endpoint"');
      expect(await said("/rpc", post({ ...call, service: "127.0.0.1:22" }))).toBe(`500 ${notFound}`);
      const slow = { ...post({ ...call, request: { name: "slow" } }), headers: { ...json, timeout: "1" } };
      expect(await said("/rpc", slow)).toContain('408 {"id":"go.micro.rpc","code":408');
    });

    test("what a request brings goes on as metadata, but for what only the gateway says", async () => {
      const headers = {
        ...{ "x-own": "1", "x-request-id": "id-7", "x-jwt-subject": "root", cookie: "a=b" },
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      };
      const response = await ask("/shop/tell", { headers });
      expect(response.headers.get("x-request-id")).toBe("id-7");
      const { metadata } = (await response.json()) as { metadata: Record<string, string> };
      expect(metadata).toMatchObject({
        ...{ "x-own": "1", "x-request-id": "id-7", traceparent: headers.traceparent },
        ...{ "x-forwarded-for": "127.0.0.1", "micro-from-service": "go.micro.api" },
      });
      expect(metadata).not.toHaveProperty("cookie");
      expect(metadata).not.toHaveProperty("x-jwt-subject");
      expect((await ask("/shop/tell")).headers.get("x-request-id")).toMatch(/^[\da-f-]{36}$/);
    });

    test("a line of the log tells of each request, without its query", async () => {
      await said("/shop/get?name=hidden-value", { headers: { "x-request-id": "logged" } });
      await open.gateway.logged(/"GET \/shop\/get".*"status":200.*"id":"logged","target":"shop Shop.Get"/);
      expect(open.gateway.log()).not.toContain("hidden-value");
    });

    test("a stream is read as server-sent events, an error among them", async () => {
      const events = { headers: { accept: "text/event-stream" } };
      expect(await said("/shop/watch?name=a&count=2", events)).toBe(
        '200 data: {"name":"a0"}\n\ndata: {"name":"a1"}\n\nevent: end\ndata: {}\n\n',
      );
      expect(await said("/shop/watch?name=broken&count=1", events)).toBe(
        '200 data: {"name":"broken0"}\n\nevent: error\ndata: {"id":"go.micro.api","code":400,"detail":"no more","status":"Bad Request"}\n\n',
      );
      expect(await said("/shop/watch")).toContain(
        '501 {"id":"go.micro.api","code":501,"detail":"Shop.Watch streams: ',
      );
      expect(await said("/shop/get?name=missing", events)).toStartWith("404 ");
    });

    test("a stream of a service that says nothing of its methods is to be asked for as events", async () => {
      using dir = folder({
        "tick.ts": "export default { Tick: { async *Watch() { yield { n: 1 }; yield { n: 2 }; } } };",
      });
      await using _ = await serve(target, [`${dir.path}/tick.ts`], { env: open.env });
      expect(await said("/tick/watch", post({}))).toContain(
        '501 {"id":"go.micro.api","code":501,"detail":"Tick.Watch streams: ask with accept: text/event-stream',
      );
      expect(await said("/tick/watch", { headers: { accept: "text/event-stream" } })).toContain('{"n":2}');
    });

    test("streams of all kinds go over a WebSocket", async () => {
      const talk = await conversation(`${open.url}/shop/talk`, ['{"name":"a"}', '{"name":"b"}', ""]);
      expect(talk).toEqual({ texts: ['{"name":"A"}', '{"name":"B"}'], code: 1000, reason: "" });
      const collected = await conversation(`${open.url}/shop/collect`, ['{"name":"a"}', '{"name":"b"}', ""]);
      expect(collected).toEqual({ texts: ['{"name":"ab"}'], code: 1000, reason: "" });
      const watched = await conversation(`${open.url}/shop/watch`, ['{"name":"w","count":1}']);
      expect(watched).toEqual({ texts: ['{"name":"w0"}'], code: 1000, reason: "" });
      const asked = await conversation(`${open.url}/shop/get?name=missing`, []);
      expect(asked).toEqual({ texts: [], code: 4404, reason: "no such item" });
      const wrong = await conversation(`${open.url}/shop/talk`, ["{"]);
      expect(wrong.code).toBe(4400);
    });

    test("a web service gets whole requests, by prefix and by host, and its answer comes back whole", async () => {
      const init = { method: "PUT", body: "x".repeat(300_000), headers: { "x-custom": "1", te: "trailers" } };
      const response = await ask("/shop/web/a%20b?c=d", init);
      expect([response.status, response.headers.get("x-own"), response.headers.get("keep-alive")]).toEqual([
        ...[200, "1", null],
      ]);
      const { headers, ...told } = (await response.json()) as { headers: Record<string, string> };
      expect(told as object).toEqual({ method: "PUT", path: "/shop/web/a%20b?c=d", length: 300_000 });
      expect(headers).toMatchObject({
        "x-custom": "1",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http",
      });
      expect(headers).not.toHaveProperty("te");
      expect(await said("/any/thing", { headers: { host: "www.example.com" } })).toContain(
        '"path":"/any/thing"',
      );
      const small = await ask("/shop/web/a", { method: "PUT", body: "x" });
      expect(await small.json()).toMatchObject({ length: 1, headers: { "content-length": "1" } });
      const whole = await ask("/shop/web/a");
      expect(whole.headers.get("content-length")).toBe(String((await whole.bytes()).length));
      const head = await ask("/shop/web/a", { method: "HEAD" });
      expect([head.status, await head.text()]).toEqual([200, ""]);
      const moved = await ask("/shop/web/moved");
      expect([moved.status, moved.headers.get("location"), moved.headers.getSetCookie()]).toEqual([
        ...[302, "/shop/there", ["a=b"]],
      ]);
    });

    test("a WebSocket of a web service passes through, texts, bytes and its end", async () => {
      const url = `${open.url.replace("http", "ws")}/shop/web/socket`;
      const heard: unknown[] = [];
      const closed = Promise.withResolvers<CloseEvent>();
      const socket = new WebSocket(url);
      socket.binaryType = "arraybuffer";
      socket.onmessage = ({ data }) => {
        heard.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
        if (heard.length === 1) for (const sent of ["a", new Uint8Array([0, 255]), "end"]) socket.send(sent);
      };
      socket.onclose = closed.resolve;
      const { code, reason } = await closed.promise;
      expect([heard, code, reason]).toEqual([["from 127.0.0.1", "a", [0, 255]], 4001, "ended"]);
      const left = new WebSocket(url);
      await new Promise((resolve) => {
        left.onmessage = resolve;
      });
      left.close(4002);
      await open.shop.logged(/closed 4002/);
      const refused = new WebSocket(url.replace("/socket", "/none"));
      await new Promise((resolve) => {
        refused.onclose = resolve;
      });
      await open.gateway.logged(/\/shop\/web\/none","status":502/);
    });

    test("large replies are packed for those who take it", async () => {
      const response = await ask("/shop/get?name=large", {
        headers: { "accept-encoding": "gzip" },
        decompress: false,
      } as RequestInit);
      expect(response.headers.get("content-encoding")).toBe("gzip");
      expect((await response.arrayBuffer()).byteLength).toBeLessThan(10_000);
    });

    test("health is answered of itself", async () => {
      expect(await said("/health")).toBe("200 OK");
      expect(await said("/readyz")).toBe("200 ok");
    });

    test("tokens are checked, and what they say goes on", async () => {
      const how = ["--jwt_secret_file=SECRET", "--jwt_audience=shop", "--jwt_except=/shop/get"];
      await using closed = await scene(target, how);
      const asked = async (path: string, token?: string): Promise<string> => {
        const headers: Record<string, string> =
          token === undefined ? {} : { authorization: `Bearer ${token}` };
        const response = await fetch(`${closed.url}${path}`, { headers });
        return `${response.status} ${await response.text()}`;
      };
      const { token } = closed;
      const aud = "shop";
      expect(await asked("/shop/tell", token({ aud }))).toContain('"x-jwt-subject":"7"');
      expect(await asked("/shop/get?name=a")).toBe('200 {"name":"a"}');
      expect(await asked("/health")).toBe("200 OK");
      expect(await asked("/nosuch/get")).toStartWith("401 ");
      const cases: readonly (readonly [token: string | undefined, why: string])[] = [
        [undefined, "a token is needed"],
        ["a.b", "the token does not hold: it is none"],
        [token({ aud, exp: 1 }), "the token does not hold: it has expired"],
        [token({ aud: "other" }), "the token does not hold: its aud does not hold"],
        [
          token({ aud }, "another key that is long enough, too"),
          "the token does not hold: its signature is wrong",
        ],
        [token({ aud }, undefined, { alg: "none" }), "the token does not hold: its algorithm is not taken"],
      ];
      for (const [given, why] of cases)
        expect(await asked("/shop/tell", given), why).toBe(
          `401 {"id":"go.micro.api","code":401,"detail":"${why}","status":"Unauthorized"}`,
        );
      expect(await asked("/shop/get", "a.b")).toStartWith("401 ");
      expect(closed.gateway.log()).not.toContain(token({ aud }).split(".")[2]!);
    });

    test("keys that are published say whose tokens hold; without them nobody is let in", async () => {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
      const keys = { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "1", alg: "ES256" }] };
      let published = true;
      const issuer = createServer((_, answer) => {
        if (published) answer.setHeader("content-type", "application/json").end(JSON.stringify(keys));
        else answer.writeHead(500).end();
      });
      await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
      using _ = { [Symbol.dispose]: () => void issuer.close() };
      const jwks = `--jwt_jwks_url=http://127.0.0.1:${(issuer.address() as AddressInfo).port}/`;
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
      const text = `${part({ alg: "ES256", kid: "1" })}.${part({ sub: "8", exp: Math.floor(Date.now() / 1000) + 60 })}`;
      const made = sign("sha256", Buffer.from(text), { key: privateKey, dsaEncoding: "ieee-p1363" });
      const headers = { authorization: `Bearer ${text}.${made.toString("base64url")}` };
      await using gateway = await startGateway(target, [jwks], open.env);
      const url = `http://${gateway.address("http")}/shop/tell`;
      expect(await (await fetch(url, { headers })).text()).toContain('"x-jwt-subject":"8"');
      published = false;
      await using later = await startGateway(target, [jwks], open.env);
      expect((await fetch(`http://${later.address("http")}/shop/tell`, { headers })).status).toBe(503);
    });

    test("who asks too often is told to wait", async () => {
      await using gateway = await startGateway(
        target,
        [...["--rate_limit=2", "--rate_window=1m", "--rate_key=header:x-api-key"]],
        open.env,
      );
      const url = `http://${gateway.address("http")}/shop/get?name=a`;
      const asked = (key: string) => fetch(url, { headers: { "x-api-key": key } });
      const first = await asked("a");
      expect([
        first.status,
        first.headers.get("ratelimit-limit"),
        first.headers.get("ratelimit-remaining"),
      ]).toEqual([...[200, "2", "1"]]);
      expect([(await asked("a")).status, (await asked("b")).status]).toEqual([200, 200]);
      const refused = await asked("a");
      expect([
        refused.status,
        refused.headers.get("retry-after"),
        refused.headers.get("ratelimit-remaining"),
      ]).toEqual([...[429, "30", "0"]]);
    });

    test("pages of other origins may call where they are named, and may not else", async () => {
      await using gateway = await startGateway(target, ["--cors_origins=https://page.example"], open.env);
      const url = `http://${gateway.address("http")}/shop/get?name=a`;
      const asked = (origin: string, method = "GET") =>
        fetch(url, { method, headers: { origin, "access-control-request-method": "POST" } });
      const page = await asked("https://page.example");
      expect([page.status, page.headers.get("access-control-allow-origin")]).toEqual([
        200,
        "https://page.example",
      ]);
      expect((await asked("https://page.example", "OPTIONS")).status).toBe(204);
      expect((await asked("https://other.example")).status).toBe(403);
    });

    test("a service of Go Micro's is called by JSON, as it tells nothing of itself", async () => {
      const binary = await peer("v2");
      if (binary === undefined) return;
      const service = Bun.spawn([binary, "serve", "--address=127.0.0.1:0"], {
        stdout: "pipe",
        stderr: "ignore",
      });
      using _ = { [Symbol.dispose]: () => service.kill() };
      const address = await listening(service.stdout);
      const [, port] = address.split(":");
      await using gateway = await serveStatic(target, port!);
      const url = `http://${gateway.address("http")}`;
      const hello = await fetch(`${url}/localhost/greeter/hello`, post({ name: "Go" }));
      expect([hello.status, await hello.text()]).toEqual([200, '{"greeting":"Hello Go"}']);
      const failed = await fetch(`${url}/localhost/greeter/hello?name=err:404`);
      expect([failed.status, await failed.json()]).toMatchObject([
        404,
        { code: 404, detail: "boom err:404" },
      ]);
      const streamed = await fetch(`${url}/localhost/greeter/stream?count=2`, {
        headers: { accept: "text/event-stream" },
      });
      expect(await streamed.text()).toBe('data: {}\n\ndata: {"count":"1"}\n\nevent: end\ndata: {}\n\n');
    });

    test("a line asked wrongly ends with what is wrong", async () => {
      const wrong: readonly (readonly [line: string, stderr: string])[] = [
        ["--route=shop", "error: --route=shop: not a pair"],
        ["--route=/a//b=c", "error: --route=/a//b=c: not a route"],
        ["--jwt_audience=a", "error: --jwt_*: nothing says whose tokens are taken"],
        ["--jwt_secret_file=/nowhere", "error: --jwt_secret_file=/nowhere: cannot be read"],
        [
          "--rate_key=cookie",
          "error: --rate_key=cookie: not a key\n  hint: use ip, header:x-api-key or claim:sub",
        ],
      ];
      for (const [line, stderr] of wrong) {
        const outcome = await microrun(target, ["gateway", line]);
        expect([outcome.code, outcome.stderr], line).toEqual([2, expect.stringContaining(stderr)]);
      }
    });
  });

async function conversation(url: string, texts: readonly string[]) {
  const socket = new WebSocket(url.replace("http", "ws"));
  const heard: string[] = [];
  const closed = Promise.withResolvers<CloseEvent>();
  socket.onmessage = ({ data }) => heard.push(String(data));
  socket.onclose = closed.resolve;
  socket.onopen = () => {
    for (const text of texts) socket.send(text);
  };
  const { code, reason } = await closed.promise;
  return { texts: heard, code, reason };
}

function serveStatic(target: (typeof targets)[number], port: string) {
  return startGateway(target, ["--selector=static"], { STATIC_SELECTOR_PORT_NUMBER: port });
}

async function listening(stdout: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stdout) {
    text += new TextDecoder().decode(chunk);
    const [, address] = /^listening (\S+)\n/m.exec(text) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error(`it did not say where it listens: ${text}`);
}
