/** Middleware as modules stack it: tokens, other origins, limits, rules, breakers; over gRPC, JSON and the web alike. */
import { describe, expect, test } from "bun:test";
import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { jsonMethod, type Method } from "../src/call.ts";
import { MicrorunError } from "../src/errors.ts";
import { loadSchema } from "../src/grpc/schema/schema.ts";
import { folder, microrun, type Running, type RunOptions, serve, type Target, targets } from "./harness.ts";
import { ownTransport } from "./transports.ts";

const secret = "a secret of more than thirty-two bytes";
const now = Math.floor(Date.now() / 1000);
const claims = { sub: "7", aud: "shop", exp: now + 600 };

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function token(
  payload: object,
  key: string | KeyObject = secret,
  alg = "HS256",
  header: object = {},
): string {
  const text = `${part({ alg, ...header })}.${part(payload)}`;
  if (alg === "none") return `${text}.`;
  const signature =
    alg === "HS256"
      ? createHmac("sha256", key as string)
          .update(text)
          .digest()
      : sign(alg === "EdDSA" ? null : "sha256", Buffer.from(text), {
          key: key as KeyObject,
          ...(alg === "ES256" ? { dsaEncoding: "ieee-p1363" } : {}),
        });
  return `${text}.${signature.toString("base64url")}`;
}

const greeter = (middleware: string, more = "") => `
import { bulkhead, changedCall, circuitBreaker, cors, jwt, log, MicrorunError, rateLimit, recover, service, timeout, validate } from "microrun";
let failures = 0;
export default service({
  name: "greeter",
  middleware: [${middleware}],
  handlers: {
    Greeter: {
      Hello: (_, { claims }) => ({ sub: claims?.sub ?? "nobody" }),
      Open: (_, { claims }) => ({ sub: claims?.sub ?? "nobody" }),
      Slow: () => new Promise(() => {}),
      Fail: () => { failures++; throw new Error("boom"); },
      async *Count() { yield { n: 1 }; yield { n: 2 }; },
    },
  },
  fetch: (_, { claims }) => Response.json({ sub: claims?.sub ?? "nobody" }),
  ${more}
});`;

interface Started extends AsyncDisposable {
  readonly running: Running;
  readonly path: string;
  /** By gRPC: the reply, or `code: message`. */
  grpc(method: string | Method, request?: object, metadata?: Record<string, string>): Promise<unknown>;
  /** As JSON over HTTP. */
  post(method: string, headers?: Record<string, string>, body?: object): Promise<Response>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
}

async function started(
  target: Target,
  files: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
  options: RunOptions = {},
): Promise<Started> {
  const dir = folder(files);
  const running = await serve(target, ["greeter.ts", ...flags], { ...options, cwd: dir.path });
  const { transport } = ownTransport();
  const connection = transport.connect(running.address());
  const url = `http://${running.address("http")}`;
  return {
    running,
    path: dir.path,
    async grpc(method, request = {}, metadata = {}) {
      const type = typeof method === "string" ? jsonMethod("Greeter", method) : method;
      const call = { service: type.service, method: type.name, request, type };
      try {
        return await connection.dispatch({
          ...{ ...call, metadata: new Headers(metadata) },
          signal: AbortSignal.timeout(10_000),
        });
      } catch (error) {
        return error;
      }
    },
    post: (method, headers = {}, body = {}) =>
      fetch(`${url}/Greeter/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
    get: (path, headers = {}) => fetch(`${url}${path}`, { headers }),
    async [Symbol.asyncDispose]() {
      await connection[Symbol.asyncDispose]();
      await running[Symbol.asyncDispose]();
      dir[Symbol.dispose]();
    },
  };
}

/** `code: message` of an error. */
const told = (error: unknown): string =>
  error instanceof MicrorunError ? `${error.code}: ${error.message}` : JSON.stringify(error);
const bearing = (text: string) => ({ authorization: `Bearer ${text}` });

describe.each(targets)("$name", (target) => {
  test("a token that holds is let in with its claims, any other is refused with the reason: by gRPC, JSON and the web", async () => {
    const module = greeter(
      `jwt({ secret: ${JSON.stringify(secret)}, audience: "shop", except: ["Greeter.Open", "/login"] })`,
    );
    await using service = await started(target, { "greeter.ts": module });
    const { grpc, post, get } = service;
    const good = bearing(token(claims));
    expect(await grpc("Hello", {}, good)).toEqual({ sub: "7" });
    expect(await (await post("Hello", good)).json()).toEqual({ sub: "7" });
    expect(await (await get("/page", good)).json()).toEqual({ sub: "7" });
    expect(await grpc("Open")).toEqual({ sub: "nobody" });
    expect((await get("/login")).status).toBe(200);

    const why = "unauthenticated: the token does not hold:";
    const bad: readonly (readonly [headers: Record<string, string>, text: string])[] = [
      [{}, "unauthenticated: a token is needed"],
      [{ "x-jwt-subject": "7", claims: '{"sub":"7"}' }, "unauthenticated: a token is needed"],
      [bearing(token({ ...claims, exp: now - 600 })), `${why} it has expired`],
      [bearing(token(claims, "another secret of thirty-two bytes!!")), `${why} its signature is wrong`],
      [bearing(token({ ...claims, aud: "other" })), `${why} its aud does not hold`],
      [bearing(token(claims, secret, "none")), `${why} its algorithm is not taken`],
    ];
    for (const [headers, text] of bad) {
      expect(told(await grpc("Hello", {}, headers))).toBe(text);
      const answer = await post("Hello", headers);
      expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
      expect(`unauthenticated: ${((await answer.json()) as { message: string }).message}`).toBe(text);
      const page = await get("/page", headers);
      expect([page.status, page.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
      expect(`unauthenticated: ${(await page.text()).trim()}`).toBe(text);
    }

    // what the runtime answers itself is nobody's to guard
    const check = { ...jsonMethod("grpc.health.v1.Health", "Check") };
    expect(await grpc(check)).toMatchObject({ status: "SERVING" });
    expect((await get("/readyz")).status).toBe(200);
  });

  test("a public key takes its own signatures alone: its text is no secret to sign by", async () => {
    const kinds = [
      ["RS256", generateKeyPairSync("rsa", { modulusLength: 2048 })],
      ["ES256", generateKeyPairSync("ec", { namedCurve: "prime256v1" })],
      ["EdDSA", generateKeyPairSync("ed25519")],
    ] as const;
    for (const [alg, { publicKey, privateKey }] of kinds) {
      const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
      await using service = await started(target, {
        "greeter.ts": greeter(`jwt({ publicKey: ${JSON.stringify(pem)} })`),
      });
      expect(await service.grpc("Hello", {}, bearing(token(claims, privateKey, alg))), alg).toEqual({
        sub: "7",
      });
      const confused = told(await service.grpc("Hello", {}, bearing(token(claims, pem, "HS256"))));
      expect(confused).toBe("unauthenticated: the token does not hold: its algorithm is not taken");
    }
  });

  test("keys that their signer publishes are fetched, and the ones of the configuration followed", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const jwk = { ...publicKey.export({ format: "jwk" }), kid: "k1", alg: "ES256" };
    using signer = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json({ keys: [jwk] }) });
    const module = greeter(`jwt((config) => config.get("jwt"))`);
    const config = "config.json";
    await using service = await started(
      target,
      { "greeter.ts": module, [config]: JSON.stringify({ jwt: { jwksUrl: `${signer.url}keys` } }) },
      [`--config=file:${config}`],
    );
    const published = bearing(token(claims, privateKey, "ES256", { kid: "k1" }));
    const shared = bearing(token(claims));
    expect(await service.grpc("Hello", {}, published)).toEqual({ sub: "7" });
    expect(told(await service.grpc("Hello", {}, shared))).toContain("its algorithm is not taken");
    writeFileSync(join(service.path, config), JSON.stringify({ jwt: { secret } }));
    let reply: unknown;
    for (let tries = 0; tries < 200 && (reply as { sub?: string })?.sub !== "7"; tries++) {
      reply = await service.grpc("Hello", {}, shared);
      await Bun.sleep(20);
    }
    expect(reply).toEqual({ sub: "7" });
    expect(told(await service.grpc("Hello", {}, published))).toContain("its algorithm is not taken");
    expect(service.running.log()).not.toContain(secret);
  });

  test("a page of another origin reads refusals, too, and flags have the last word", async () => {
    const module = greeter(
      `jwt({ secret: ${JSON.stringify(secret)} }), cors({ origins: ["https://shop.example"] })`,
    );
    const allowed = (answer: Response) => answer.headers.get("access-control-allow-origin");
    {
      await using service = await started(target, { "greeter.ts": module });
      const origin = { origin: "https://shop.example" };
      const refused = await service.post("Hello", origin);
      expect([refused.status, allowed(refused)]).toEqual([401, "https://shop.example"]);
      expect(allowed(await service.get("/page", origin))).toBe("https://shop.example");
      expect(allowed(await service.get("/page", { origin: "https://other.example" }))).toBeNull();
      const preflight = await fetch(`http://${service.running.address("http")}/Greeter/Hello`, {
        method: "OPTIONS",
        headers: { ...origin, "access-control-request-method": "POST" },
      });
      expect([preflight.status, allowed(preflight)]).toEqual([204, "https://shop.example"]);
    }
    await using service = await started(target, { "greeter.ts": module }, [
      "--cors_origins=https://other.example",
    ]);
    expect(allowed(await service.post("Hello", { origin: "https://shop.example" }))).toBeNull();
    expect(allowed(await service.post("Hello", { origin: "https://other.example" }))).toBe(
      "https://other.example",
    );
  });

  test("limits of rate, time and number refuse in their own words, and each call leaves a line", async () => {
    const module = greeter(`
      log(), recover({ onError: (thrown) => thrown.message === "boom" ? new MicrorunError("failed_precondition", "not now") : undefined }),
      rateLimit({ limit: 3, windowMs: 60_000, by: "metadata:x-key" }),
      timeout({ methods: { "Greeter.Slow": 50 } }),
      bulkhead({ concurrency: 1, by: "method" })`);
    await using service = await started(target, { "greeter.ts": module }, ["--log_format=json"]);
    const { grpc, post, running } = service;
    expect(told(await grpc("Fail", {}, { "x-key": "a" }))).toBe("failed_precondition: not now");
    expect(told(await grpc("Slow", {}, { "x-key": "a" }))).toContain(
      "not answered within the limit of 50 ms",
    );
    expect(told(await grpc("Slow", {}, { "x-key": "a" }))).toBe("resource_exhausted: too many calls at once");
    const often = await grpc("Hello", {}, { "x-key": "a" });
    expect(often).toMatchObject({ code: "resource_exhausted", reason: "RATE_LIMITED" });
    expect((often as MicrorunError).retryMs).toBeGreaterThan(1000);
    const answer = await post("Hello", { "x-key": "a" });
    expect([answer.status, Number(answer.headers.get("retry-after")) > 1]).toEqual([429, true]);
    expect((await answer.json()) as object).toMatchObject({
      details: [{ type: "google.rpc.ErrorInfo" }, { type: "google.rpc.RetryInfo" }],
    });
    expect(await grpc("Count", {}, { "x-key": "b" })).toBeInstanceOf(MicrorunError);

    const lines = running
      .log()
      .split("\n")
      .filter((line) => line.includes('"message":"call"'));
    expect(
      lines
        .map((line) => JSON.parse(line))
        .map(({ method, code }) => `${method} ${code}`)
        .slice(0, 5),
    ).toEqual([
      "Greeter/Fail failed_precondition",
      "Greeter/Slow deadline_exceeded",
      "Greeter/Slow resource_exhausted",
      "Greeter/Hello resource_exhausted",
      "Greeter/Hello resource_exhausted",
    ]);
  });

  test("rules of a .proto, CEL among them, and schemas of requests are held, each fault told", async () => {
    const proto = `syntax = "proto3";
package greeter;
import "buf/validate/validate.proto";
service Greeter { rpc Hello(HelloRequest) returns (HelloReply); rpc Plain(HelloRequest) returns (HelloReply); }
message HelloRequest {
  string name = 1 [(buf.validate.field).string = { min_len: 2, pattern: "^[a-z]+$" }];
  repeated string mails = 2 [(buf.validate.field).repeated.items.string.email = true];
  int32 age = 3 [(buf.validate.field).cel = { id: "even", message: "must be even", expression: "this % 2 == 0" }];
}
message HelloReply { string text = 1; }`;
    const module = `
import { service, validate } from "microrun";
const short = { "~standard": { version: 1, vendor: "own", validate: (value) =>
  value.name.length > 4 ? { issues: [{ message: "too long", path: ["name"] }] } : { value: { ...value, name: value.name.toUpperCase() } } } };
export default service({
  middleware: [validate(), validate({ "Greeter.Plain": short })],
  handlers: { Greeter: { Hello: ({ name }) => ({ text: name }), Plain: ({ name }) => ({ text: name }) } },
});`;
    await using service = await started(target, { "greeter.ts": module, "greeter.proto": proto });
    const schema = await loadSchema([join(service.path, "greeter.proto")]);
    const [hello, plain] = schema.services.get("greeter.Greeter") as [Method, Method];
    const { grpc, post } = service;
    expect(await grpc(hello, { name: "ann", mails: ["a@b.co"], age: 2 })).toEqual({ text: "ann" });
    const bad = { name: "A", mails: ["a@b.co", "a"], age: 3 };
    const error = (await grpc(hello, bad)) as MicrorunError;
    expect([error.code, error.reason]).toEqual(["invalid_argument", "INVALID_REQUEST"]);
    const fields = ["name", "name", "mails[1]", "age"];
    expect(error.violations?.map(({ field }) => field)).toEqual(fields);
    expect(error.violations?.at(-1)?.description).toBe("must be even");

    const answer = await post("Hello", {}, bad);
    expect(answer.status).toBe(400);
    const { details } = (await answer.json()) as {
      details: { type: string; debug: { fieldViolations: { field: string }[] } }[];
    };
    const found = details.find(({ type }) => type === "google.rpc.BadRequest");
    expect(found?.debug.fieldViolations.map(({ field }) => field)).toEqual(fields);

    // Go Micro's clients lose an error with details that they cannot link
    const micro = (await grpc(hello, bad, {
      "micro-from-service": "x",
      "user-agent": "grpc-go/1.0",
    })) as MicrorunError;
    expect(micro.message).toStartWith("name: ");

    expect(await grpc(plain, { name: "bob", mails: [], age: 0 })).toEqual({ text: "BOB" });
    expect(told(await grpc(plain, { name: "robert", mails: [], age: 0 }))).toBe(
      "invalid_argument: name: too long",
    );
  });

  test("calls out pass the client's middleware, streams too, and what keeps failing is not asked for a while", async () => {
    const module = `
import { changedCall, circuitBreaker, log, service } from "microrun";
const marked = (next) => (call) => {
  const metadata = new Headers(call.metadata);
  metadata.set("x-mark", call.target);
  return next(changedCall(call, { metadata }));
};
let failures = 0;
export default service({
  name: "greeter",
  clientMiddleware: [log(), circuitBreaker({ minCalls: 3, openMs: 60_000 }), marked],
  handlers: { Greeter: {
    Mark: (_, { metadata }) => ({ mark: metadata.get("x-mark"), failures }),
    async *Marks(_, { metadata }) { yield { mark: metadata.get("x-mark") }; yield { mark: "end" }; },
    Fail: () => { failures++; throw new Error("boom"); },
    Ask: (_, { client }) => client.call("greeter", "Greeter.Mark"),
    AskFail: (_, { client }) => client.call("greeter", "Greeter.Fail"),
    AskAll: async (_, { client }) => ({ marks: await Array.fromAsync(client.stream("greeter", "Greeter.Marks"), ({ mark }) => mark) }),
  } },
});`;
    await using service = await started(target, { "greeter.ts": module }, ["--log_format=json"]);
    const { grpc, running } = service;
    expect(await grpc("Ask")).toEqual({ mark: "greeter", failures: 0 });
    expect(await grpc("AskAll")).toEqual({ marks: ["greeter", "end"] });
    const ends: string[] = [];
    for (let i = 0; i < 5; i++) ends.push(told(await grpc("AskFail")));
    expect(ends.slice(0, 3)).toEqual(Array(3).fill("internal: internal error"));
    expect(ends.slice(3)).toEqual(Array(2).fill("unavailable: greeter: its circuit is open"));
    expect(await grpc("Ask")).toEqual({ mark: "greeter", failures: 3 });
    await running.logged(/"message":"circuit open","of":"greeter greeter\.Greeter\/Fail"/);
    await running.logged(/"method":"greeter\.Greeter\/Marks","code":"ok","target":"greeter"/);
  });

  test("options that cannot hold end the start with the reason", async () => {
    const cases: readonly (readonly [middleware: string, text: string])[] = [
      [`jwt({})`, "error: middleware jwt: its signer is not told"],
      [
        `jwt((config) => ({ secret: config.get("jwt.secret") }))`,
        "error: middleware jwt: its signer is not told",
      ],
      [
        `jwt({ secret: "x".repeat(40), except: ["Greeter.Helo"] })`,
        "Greeter.Helo: no such method, did you mean Greeter.Hello?",
      ],
      [`rateLimit({ limit: "3" })`, "error: middleware rateLimit: limit is not a whole number above 0"],
      [`validate()`, "error: middleware validate: no .proto imports buf/validate/validate.proto"],
      [`cors({ origins: [] }), cors({ origins: [] })`, "error: middleware: cors is there twice"],
      [`"jwt"`, "middleware is an array, not a list of middleware"],
    ];
    for (const [middleware, text] of cases) {
      using dir = folder({ "greeter.ts": greeter(middleware) });
      const { code, stderr } = await microrun(target, ["greeter.ts", "--server_address=127.0.0.1:0"], {
        cwd: dir.path,
      });
      expect(stderr, middleware).toContain(text);
      expect(code, middleware).toBe(2);
    }
  });
});
