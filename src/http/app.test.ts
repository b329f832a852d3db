import { expect, test } from "bun:test";
import { httpGreeter } from "../../test/http-greeter.ts";
import { createHealth } from "../health/checks.ts";
import { createHealthApp } from "./app.ts";

const json = { "content-type": "application/json" };

test("health is told as the old sidecar told it", async () => {
  const { get, post, health } = httpGreeter({ fetch: () => new Response("the module's") });
  const starting = await get("/health");
  expect([starting.status, await starting.text()]).toEqual([500, "NOT_HEALTHY"]);
  health.setServing(true);
  for (const response of [await get("/health"), await post("/health", "")]) {
    expect([response.status, await response.text()]).toEqual([200, "OK"]);
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  }
});

test("the probes answer as the Kubernetes API server's", async () => {
  const { get, health } = httpGreeter();
  const told = async (path: string): Promise<string> => {
    const response = await get(path);
    return `${response.status} ${await response.text()}`;
  };
  expect(await told("/livez")).toBe("200 ok");
  expect(await told("/readyz")).toBe("503 [-]serving failed: reason withheld\nreadyz check failed\n");
  expect(await told("/startupz")).toBe("503 [-]started failed: reason withheld\nstartupz check failed\n");
  health.setServing(true);
  let asked = 0;
  health.add("ready", "database", () => {
    asked++;
    return Promise.reject(new Error("refused"));
  });
  expect(await told("/startupz?verbose")).toBe("200 [+]started ok\nstartupz check passed\n");
  expect(await told("/readyz")).toContain("503 [+]serving ok\n[-]database failed: reason withheld\n");
  expect(asked).toBe(1);
  expect(await told("/readyz?exclude=database")).toBe("200 ok");
  expect(asked).toBe(1);
  expect(await told("/livez")).toBe("200 ok");
});

test("health alone answers on a port of its own, by GET and HEAD, and nothing else", async () => {
  const health = createHealth();
  const app = createHealthApp(health);
  const ask = async (path: string, method = "GET"): Promise<Response> =>
    app(new Request(`http://localhost${path}`, { method }));
  expect((await ask("/livez", "HEAD")).status).toBe(200);
  expect((await ask("/readyz", "HEAD")).status).toBe(503);
  const put = await ask("/readyz", "PUT");
  expect([put.status, put.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  expect((await ask("/")).status).toBe(404);
});

test("Go Micro's paths reach the service that they name, by body or query", async () => {
  const { get, post } = httpGreeter();
  const hello = '{"greeting":"Hello John"}';
  expect(await (await post("/greeter/hello", '{"name":"John"}', json)).text()).toBe(hello);
  expect(await (await post("/greeter/hello", '{"name":"John"}')).text()).toBe(hello);
  expect(await (await get("/greeter/hello?name=John")).text()).toBe(hello);
  expect(await (await post("/go.micro.srv.greeter/greeter/hello", '{"name":"John"}', json)).text()).toBe(
    hello,
  );
  expect(await (await post("/go/micro/srv/greeter/greeter/HELLO", '{"name":"John"}', json)).text()).toBe(
    hello,
  );
  expect(
    await (await post("/greeter/greeter/look", "JOHN", { "content-type": "application/protobuf" })).text(),
  ).toBe("JOHN");
  expect((await get("/other/greeter/hello?name=John")).status).toBe(404);
  expect((await get("/greeter/nope")).status).toBe(404);
});

test("an error on Go Micro's path is Go Micro's own", async () => {
  const { get, post } = httpGreeter();
  const told = async (response: Response): Promise<unknown[]> => [
    response.status,
    response.headers.get("content-type"),
    await response.text(),
  ];
  const id = '{"id":"go.micro.srv.greeter",';
  const text = "text/plain; charset=utf-8";
  expect(await told(await post("/greeter/greeter/look", '{"name":7}', json))).toEqual([
    400,
    text,
    `${id}"code":400,"detail":"test.Name.name: a string is expected, got number","status":"Bad Request"}`,
  ]);
  expect(await told(await post("/greeter/hello", "<x/>", { "content-type": "text/xml" }))).toEqual([
    400,
    text,
    `${id}"code":400,"detail":"Unsupported Content-Type","status":"Bad Request"}`,
  ]);
  expect((await post("/greeter/count", "{}", json)).status).toBe(501);
  expect((await get("/greeter/hello?name=x", { "sec-fetch-site": "cross-site" })).status).toBe(403);
  expect((await get("/greeter/hello?name=x", { "sec-fetch-site": "none" })).status).toBe(200);
});

test("the module's fetch gets what is neither health nor a call, with the caller's address", async () => {
  const { get, post, health } = httpGreeter({
    fetch: async (request, peer) => new Response(`${request.method} ${await request.text()} ${peer}`),
  });
  health.setServing(true);
  expect(await (await get("/")).text()).toBe("GET  192.0.2.1:4444");
  expect(await (await get("/a/b?c")).text()).toBe("GET  192.0.2.1:4444");
  expect(await (await post("/other.Service/Hello", "{}", json)).text()).toBe("POST {} 192.0.2.1:4444");
  expect(await (await post("/test.Greeter/nope", "<x/>", { "content-type": "text/xml" })).text()).toContain(
    "<x/>",
  );
  expect(await (await get("/health")).text()).toBe("OK");
  expect(await (await post("/test.Greeter/Hello", '{"name":"a"}', json)).text()).toBe(
    '{"greeting":"Hello a"}',
  );
});

test("an unknown method of a known service is unimplemented, also where the module has a fetch", async () => {
  const { post } = httpGreeter({ fetch: () => new Response("the module's") });
  const response = await post("/test.Greeter/Bye", "{}", json);
  expect([response.status, await response.json()]).toEqual([
    501,
    { code: "unimplemented", message: "unknown method Bye for service test.Greeter" },
  ]);
});

test("what the module's fetch throws or returns amiss is logged and never sent", async () => {
  const told = async (fetch: () => unknown): Promise<string> => {
    const { get, logged } = httpGreeter({ fetch: fetch as () => Response });
    const response = await get("/page");
    const { message, fields } = logged[0]!;
    return `${response.status} ${await response.text()} ${message} ${fields.error ?? fields.returned}`;
  };
  const secret = (): never => {
    throw new Error("password is hunter2");
  };
  expect(await told(secret)).toBe("500 internal error\n GET /page failed Error: password is hunter2");
  expect(await told(async () => secret())).toContain("500 internal error\n");
  expect(await told(() => ({ status: 200 }))).toBe(
    "500 internal error\n GET /page: fetch returned no Response object",
  );
  expect(await told(() => undefined)).toContain("undefined");
});

test("a websocket is refused before the module is asked", async () => {
  const { get } = httpGreeter({ fetch: () => new Response("the module's") });
  expect((await get("/chat", { upgrade: "websocket", connection: "upgrade" })).status).toBe(501);
  expect((await get("/chat", { upgrade: "h2c", connection: "upgrade, http2-settings" })).status).toBe(200);
});

test("nobody's path is a 404 that names what is served", async () => {
  const { get, post } = httpGreeter();
  const page = await get("/nope");
  expect(page.status).toBe(404);
  expect(await page.text()).toStartWith(
    "404 page not found\n\ngo.micro.srv.greeter serves:\nPOST /test.Greeter/Hello\n",
  );
  const data = await get("/nope", { accept: "application/json" });
  expect([data.status, await data.json()]).toMatchObject([
    404,
    { code: "not_found", message: "GET /nope: nothing is served here" },
  ]);
  const call = await post("/nope.Service/Hello", "{}", json);
  expect([call.status, await call.json()]).toEqual([
    404,
    { code: "unimplemented", message: "unknown service nope.Service" },
  ]);
});
