/** examples/shop: logins and what needs their tokens, on one machine, and found by Pods as in devexps/go-micro's tutorial. */
import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { patience } from "../scripts/examples.ts";
import { controlPlane } from "./control-plane.ts";
import { type ExamplePod, examplePods } from "./example-pods.ts";
import { folder, microrun, type Running, serve, type Target, targets } from "./harness.ts";
import { peer } from "./peers.ts";

const shop = join(import.meta.dir, "../examples/shop");
const key = "a key of these tests, as long as its hash";
const secret = { TOKEN_KEY: key };
const env = { ...secret, ...patience };
const right = { userName: "thangn", password: "123456" };
const now = (): number => Math.floor(Date.now() / 1000);
const dayInSeconds = 24 * 60 * 60;

const [plane, grpcurl] = await Promise.all([controlPlane(), peer("grpcurl")]);

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** What token-srv would sign, with these differences. */
function tokenOf({
  alg = "HS256",
  by = key,
  ...claims
}: Record<string, unknown> & { alg?: string; by?: string } = {}) {
  const own = { iat: now(), platform: "TOKEN_PLATFORM_WEB", sub: "thangn", uid: "1", ...claims };
  const text = `${part({ alg, typ: "JWT" })}.${part(own)}`;
  return `${text}.${alg === "none" ? "" : createHmac("sha256", by).update(text).digest("base64url")}`;
}

interface Shop extends AsyncDisposable {
  readonly admin: Running;
  /** The file that admin-srv is configured by. */
  readonly config: string;
  ask(path: string, init?: RequestInit): Promise<Response>;
  login(body?: object): Promise<Response>;
}

const service = (target: Target, name: string, args: readonly string[] = []): Promise<Running> =>
  serve(target, [join(shop, `${name}.ts`), ...args], { env });

/** @param own variables of admin-srv */
async function openShop(target: Target, own: Readonly<Record<string, string>> = env): Promise<Shop> {
  await using stack = new AsyncDisposableStack();
  const config = join(stack.use(folder()).path, "admin-srv.yaml");
  writeFileSync(config, readFileSync(join(shop, "admin-srv.yaml")));
  for (const name of ["token-srv", "user-srv"]) stack.use(await service(target, name));
  const args = ["--registry=local", "--http_address=127.0.0.1:0", "--grpc_address=127.0.0.1:0"];
  const module = join(shop, "admin-srv.ts");
  const admin = await serve(target, [module, "--config=env:", `--config=file:${config}`, ...args], {
    env: own,
    ownAddress: false,
  });
  stack.use(admin);
  const opened = stack.move();
  const ask: Shop["ask"] = (path, init) => fetch(`http://${admin.address("http")}${path}`, init);
  return {
    ...{ admin, config, ask },
    login: (body = right) =>
      ask("/admin/v1/login", {
        method: "POST",
        headers: { accept: "application/json", "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

function readToken(token: string): { header: unknown; claims: string; signed: boolean } {
  const [header = "", claims = "", signature] = token.split(".");
  const text = (encoded: string): string => Buffer.from(encoded, "base64url").toString();
  const expected = createHmac("sha256", key).update(`${header}.${claims}`).digest("base64url");
  return { header: JSON.parse(text(header)), claims: text(claims), signed: signature === expected };
}

describe.each([...targets])("from $name,", (target) => {
  test("a login gives a token with the claims of the tutorial and no others", async () => {
    await using opened = await openShop(target);
    const reply = await opened.login();
    expect(reply.status).toBe(200);
    const { token, ...rest } = (await reply.json()) as { token: string };
    expect(rest).toEqual({ id: "1", userName: "thangn" } as never);
    const { header, claims, signed } = readToken(token);
    expect(header).toEqual({ alg: "HS256", typ: "JWT" });
    expect(claims).toMatch(/^\{"iat":\d+,"platform":"TOKEN_PLATFORM_WEB","sub":"thangn","uid":"1"\}$/);
    expect(Math.abs(JSON.parse(claims).iat - now())).toBeLessThan(30);
    expect(signed).toBe(true);

    const wrong = [
      { ...right, password: "654321" },
      { ...right, userName: "nobody" },
    ];
    const refused = {
      code: 401,
      reason: "WRONG_PASSWORD",
      message: "user name and password do not belong together",
    };
    for (const body of wrong)
      expect(await (await opened.login(body)).json()).toEqual({ ...refused, metadata: {} });
    expect((await opened.login({ ...right, password: "1" })).status).toBe(400);
  });

  test("what is protected is open to tokens that hold, and to no others", async () => {
    await using opened = await openShop(target);
    const me = async (authorization?: string): Promise<string> => {
      const reply = await opened.ask("/admin/v1/me", {
        headers: authorization === undefined ? {} : { authorization },
      });
      const { code, message, ...told } = (await reply.json()) as { code?: number; message?: string };
      return reply.ok ? JSON.stringify(told) : `${code} ${message}`;
    };
    const own = `{"id":"1","userName":"thangn","nickName":"Thang"}`;
    const { token } = (await (await opened.login()).json()) as { token: string };
    expect(await me(`Bearer ${token}`)).toBe(own);
    expect(await me(`Bearer ${tokenOf()}`)).toBe(own);

    const why = "401 the token does not hold:";
    const cases: readonly (readonly [string | undefined, string])[] = [
      [undefined, "401 a token is needed"],
      ["Basic dGhhbmdu", "401 the authorization is no bearer token"],
      [`Bearer ${tokenOf({ iat: now() - dayInSeconds - 60 })}`, `${why} it has expired`],
      [`Bearer ${tokenOf({ exp: now() - 60 })}`, `${why} it has expired`],
      [`Bearer ${tokenOf({ iat: undefined })}`, `${why} its iat does not hold`],
      [`Bearer ${tokenOf({ by: `${key}!` })}`, `${why} its signature is wrong`],
      [`Bearer ${tokenOf({ alg: "none" })}`, `${why} its algorithm is not taken`],
      [`Bearer ${tokenOf({ alg: "HS512" })}`, `${why} its algorithm is not taken`],
      [`Bearer ${tokenOf({ aud: "other-srv" })}`, "401 the token was made for others"],
      [`Bearer ${tokenOf({ platform: "TOKEN_PLATFORM_IOS" })}`, "401 the token was made for others"],
    ];
    for (const [authorization, told] of cases) expect(await me(authorization), told).toBe(told);
    expect(await me(`Bearer ${tokenOf({ uid: "7" })}`)).toBe("404 no user 7");
  });

  test("CORS and timeouts are those of its configuration, and change with it", async () => {
    await using opened = await openShop(target, secret);
    const { admin, config, ask } = opened;
    const preflight = async (): Promise<string | null> => {
      const headers = {
        origin: "https://shop.example",
        "access-control-request-method": "PUT",
        "access-control-request-headers": "authorization",
      };
      const reply = await ask("/admin/v1/login", { method: "OPTIONS", headers });
      return ["origin", "methods", "headers"]
        .map((name) => reply.headers.get(`access-control-allow-${name}`))
        .join("; ");
    };
    expect(await preflight()).toBe("*; GET, POST, PUT, DELETE, HEAD, OPTIONS; Content-Type, Authorization");
    const text = readFileSync(config, "utf8");
    writeFileSync(
      config,
      text.replace('"*"', '"https://other.example"').replace("timeout: 1s", "timeout: 10ms"),
    );
    const end = Date.now() + 10_000;
    while ((await preflight())?.startsWith("*")) {
      if (Date.now() > end) throw new Error(admin.log());
      await Bun.sleep(50);
    }
    // the hash of a password takes longer
    const late = await opened.login();
    expect({ status: late.status, body: await late.json() }).toMatchObject({
      status: 504,
      body: { code: 504 },
    });
  });

  test("the log tells each change of the instances that are called", async () => {
    await using opened = await openShop(target);
    await opened.login();
    const instance = `go-micro\\.token-srv-[\\w-]+ 127\\.0\\.0\\.1:\\d+`;
    const line = (instances: string): RegExp =>
      new RegExp(`update instances","service":"go-micro\\.token-srv","instances":"${instances}"`);
    await opened.admin.logged(line(instance));
    await using second = await service(target, "token-srv");
    await opened.admin.logged(line(`${instance}, ${instance}`));
    second.signal("SIGTERM");
    await second.exited;
    await opened.admin.logged(new RegExp(`, ${instance}"[\\s\\S]*${line(instance).source}`));
  });

  test("a token-srv without a key worth the name does not start", async () => {
    const { code, stderr } = await microrun(target, [join(shop, "token-srv.ts")], {
      env: { TOKEN_KEY: "short" },
    });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("shorter than 32 bytes") });
  });

  describe.skipIf(!plane)("in Pods of its manifests", () => {
    test("the services find each other by their labels, configured by their ConfigMaps", async () => {
      await using pods = await examplePods(plane!, target, "shop", "go-micro-services");
      const start = (name: string, own: readonly string[]): Promise<ExamplePod> =>
        pods.start(`shop/k8s/${name}-deployment.yaml`, `shop/${name}.ts`, { args: own, env: secret });
      const token = await start("token-srv", ["--server_address=IP:9090"]);
      const user = await start("user-srv", ["--server_address=IP:9090"]);
      const admin = await start("admin-srv", ["--http_address=IP:8080", "--grpc_address=IP:9090"]);

      const grpc = { "9090": "grpc" };
      const told = { "token-srv": token, "user-srv": user, "admin-srv": admin };
      for (const [name, { pod }] of Object.entries(told)) {
        const { labels, annotations } = (await pod.get()).metadata;
        const [app, version] = [`go-micro.${name}`, "v1.0.0"];
        expect(labels).toMatchObject({ "gomicro-service-app": app, "gomicro-service-version": version });
        const protocols = name === "admin-srv" ? { "8080": "http", ...grpc } : grpc;
        expect(JSON.parse(annotations["gomicro-service-protocols"])).toEqual(protocols);
        const metadata = { region: "sh", zone: "sh001", cluster: "pd" };
        expect(JSON.parse(annotations["gomicro-service-metadata"])).toMatchObject(metadata);
      }

      const body = JSON.stringify(right);
      const reply = await fetch(`http://${admin.ip}:8080/admin/v1/login`, { method: "POST", body });
      const like = { id: "1", userName: "thangn", token: expect.stringMatching(/^eyJhbGciOiJIUzI1NiIs/) };
      expect(await reply.json()).toEqual(like);
      const log = admin.running.log();
      for (const [name, { ip }] of Object.entries({ "token-srv": token, "user-srv": user }))
        expect(log).toMatch(new RegExp(`"service":"go-micro.${name}","instances":"[^"]+ ${ip}:9090"`));
      expect(log).not.toMatch(/may not|cannot register/);

      if (grpcurl === undefined) return;
      const method = "admin_srv.v1.AuthenticationService/Login";
      const called = Bun.spawn([grpcurl, "-plaintext", "-d", body, `${admin.ip}:9090`, method]);
      expect(JSON.parse(await new Response(called.stdout).text())).toEqual(like);
    });
  });
});
