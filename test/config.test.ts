/** Configuration from outside: sources and their order, settings, live changes, schemas, the command `config`. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownKeys } from "../src/cli/command/configured.ts";
import { controlPlane } from "./control-plane.ts";
import { folder, microrun, type Running, serve, targets } from "./harness.ts";

const module = `
export default {
  Shop: {
    Get: ({ path }, { config }) => ({ value: config.get(path) ?? null }),
    Slow: ({ ms }, { signal }) =>
      new Promise((done) => {
        signal.addEventListener("abort", () => console.log("handler told: " + signal.reason.code));
        setTimeout(done, ms, {});
      }),
    Left: (_, { deadline }) => ({ ms: deadline === undefined ? null : deadline - Date.now() }),
    Out: (_, { client, log }) => {
      log.debug("going out");
      return client.call("shop", "Shop.Left");
    },
  },
};
`;

/** Of the admin service in the fork of Kratos that INTEROP names, its ports and times ours. */
const admin = (more = "") => `
server:
  http:
    addr: 127.0.0.1:0
    timeout: 300ms
    headers:
      - "Content-Type"
      - "Authorization"
    methods:
      - "GET"
      - "POST"
    origins:
      - "*"
  grpc:
    addr: localhost:0
    timeout: 400ms
client:
  grpc:
    timeout: 1s
registry:
  type: "memory"
log:
  level: info
${more}`;

async function call(
  running: Running,
  method: string,
  request: unknown = {},
  headers = {},
): Promise<Response> {
  return fetch(`http://${running.address("http")}/Shop/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(request),
  });
}

async function value(running: Running, path: string): Promise<unknown> {
  return ((await (await call(running, "Get", { path })).json()) as { value: unknown }).value;
}

/** A change takes a moment to come through. */
const maxTries = 200;

async function until(what: string, look: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < maxTries; tries++) {
    if (await look()) return;
    await Bun.sleep(25);
  }
  throw new Error(`never ${what}`);
}

const plane = await controlPlane();

describe.skipIf(!plane).each([...targets])("$name: in a cluster", (target) => {
  const cluster = plane!;
  const micro = ["configmap", "micro", "--namespace=default"];

  test("the ConfigMap micro of default lies over the environment, and need not be there", async () => {
    using dir = folder({ "shop.ts": module, "config.yaml": "not: read\n" });
    const env = { KUBERNETES_SERVICE_HOST: "cluster", MONGODB_HOST: "env", MONGODB_DB: "env" };
    const flags = [
      "shop.ts",
      "--drain_delay=0s",
      "--log_format=json",
      `--kubeconfig=${cluster.kubeconfig()}`,
    ];
    await cluster.kubectl(["delete", ...micro, "--ignore-not-found"]);
    await using running = await serve(target, flags, { cwd: dir.path, env });
    expect(await value(running, "mongodb")).toEqual({ host: "env", db: "env" });
    expect(running.log()).not.toMatch(/"level":"(warn|error)"/);
    const told = async (): Promise<string> =>
      (await fetch(`http://${running.address("http")}/readyz?verbose`)).text();
    expect(await told()).toContain("[+]config ok\n");

    await cluster.kubectl(["create", ...micro, "--from-literal=mongodb=host=127.0.0.1\nport=27017"]);
    await until("seen", async () => (await value(running, "mongodb.host")) === "127.0.0.1");
    expect(await value(running, "mongodb")).toEqual({ host: "127.0.0.1", port: "27017", db: "env" });
    expect(await value(running, "not")).toBeNull();
    const printed = await microrun(target, ["config", `--kubeconfig=${cluster.kubeconfig()}`], { env });
    expect(printed.stdout).toContain("mongodb.host = 127.0.0.1   (configmap://default/micro)\n");
    expect(printed.stdout).toContain("mongodb.db = env   (env:)\n");
    await cluster.kubectl(["delete", ...micro]);

    await cluster.kubectl(["create", ...micro, "--from-literal=config.yaml=a: ["]);
    const broken = await microrun(target, ["config", `--kubeconfig=${cluster.kubeconfig()}`], { env });
    expect(broken.stderr).toMatch(
      /warn +config source configmap:\/\/default\/micro: config\.yaml line 1, column/,
    );
    const required = ["shop.ts", "--config=configmap://default/micro?required", flags.at(-1)!];
    const refused = await microrun(target, required, { cwd: dir.path });
    expect(refused.stderr).toContain("hint: set it right, or take ?required away");
    expect(refused.code).toBe(1);
    await cluster.kubectl(["delete", ...micro]);
  }, 30_000);

  test("what may not be read is gone on without", async () => {
    using dir = folder({ "shop.ts": module });
    const home = await cluster.namespace();
    const account = await cluster.serviceAccount(home);
    const inPlace = { name: target.name, command: [...cluster.asPod(account), ...target.command] };
    const flags = ["shop.ts", "--drain_delay=0s", "--log_format=json", "--log_level=debug"];
    await using running = await serve(inPlace, flags, { cwd: dir.path, env: { A: "env" } });
    expect(await value(running, "a")).toBe("env");
    expect(running.log()).not.toMatch(/"level":"(warn|error)"/);
    await running.logged(/config source configmap:\/\/default\/micro: /);
  }, 30_000);
});

describe.each(targets)("$name: sources", (target) => {
  test("the environment, then a file of the folder, then --set", async () => {
    using dir = folder({
      "shop.ts": module,
      "config.yaml": "mongodb:\n  host: file\n  port: 27017\n  user: file\n",
    });
    const env = { MONGODB_HOST: "env", MONGODB_NAME: "env" };
    await using running = await serve(target, ["shop.ts", "--set=mongodb.user=set"], { cwd: dir.path, env });
    expect(await value(running, "mongodb")).toEqual({ host: "file", name: "env", port: 27017, user: "set" });
  });

  test("those that --config names replace all others, the last first", async () => {
    using dir = folder({
      "shop.ts": module,
      "config.yaml": "a: usual\n",
      "one.json": '{ "a": "one", "b": "one" }',
      "two.toml": 'b = "two"\n',
    });
    const named = ["--config=env:APP?strip", "--config=file:one.json", "--config=file:two.toml"];
    const env = { APP_A: "env", APP_C: "env", OTHER: "x" };
    await using running = await serve(target, ["shop.ts", ...named], { cwd: dir.path, env });
    expect(await Promise.all(["a", "b", "c", "other"].map((path) => value(running, path)))).toEqual([
      "one",
      "two",
      "env",
      null,
    ]);
    const variable = { ...env, MICRO_CONFIG: "env:APP,file:two.toml" };
    await using other = await serve(target, ["shop.ts"], { cwd: dir.path, env: variable });
    expect(await Promise.all(["app.a", "a", "b"].map((path) => value(other, path)))).toEqual([
      "env",
      null,
      "two",
    ]);
  });

  test("in a cluster that cannot be reached, are gone on without", async () => {
    using dir = folder({ "shop.ts": module });
    const env = {
      KUBERNETES_SERVICE_HOST: "127.0.0.1",
      KUBERNETES_SERVICE_PORT: "1",
      A: "env",
      KUBECONFIG: "/none",
    };
    await using running = await serve(target, ["shop.ts", "--drain_delay=0s"], { cwd: dir.path, env });
    expect(await value(running, "a")).toBe("env");
    expect(running.log()).not.toMatch(/"level":"(warn|error)"/);
  });

  test.each([
    ["--config=flie:x.yaml", "--config=flie:x.yaml: no such source: flie, did you mean file?"],
    ["--config=x.yaml", "--config=x.yaml: not a source"],
    ["--config=https://u:geheim@h/x", "--config=https://u:***@h/x: no such source: https"],
    ["--config=configmap://u:geheim@h/x", "--config=configmap://u:***@h/x: a source has no user"],
    ["--config=secret://u:gehe/im@h/x", "--config=secret://u:***@h/x: a source has no user"],
    [
      "--config=file:https://u:geheim@h/x?bad=1",
      "--config=file:https://u:***@h/x?bad=1: a source has no user",
    ],
    ["--config=secret:shop?bad=%zz", "--config=secret:shop?bad=%zz: what % begins is no escape"],
    ["--config=HTTPS://u:geheim@h/x", "--config=HTTPS://u:***@h/x: not a source"],
    ["--config=env:APP?stripe", "--config=env:APP?stripe: no such option: stripe, did you mean strip?"],
    ["--config=file:x.yaml?requierd", "no such option: requierd, did you mean required?"],
    ["--config=file:x.yaml?required&optional", "it cannot be required and optional"],
    ["--config=file:x?format=ini", "no such format: ini"],
    ["--config=file:x?format=%ZZ", "--config=file:x?format=%ZZ: what % begins is no escape of UTF-8"],
    ["--config=configmap://a?labels=%E0%A4%A", "labels=%E0%A4%A: what % begins is no escape of UTF-8"],
    ["--config=file:x?secret=no", "secret is neither true nor false"],
    ["--config=configmap://default/micro?label=a=b", "no such option: label, did you mean labels?"],
    ["--set=novalue", "--set=novalue: not a pair"],
    ["--set=db.password:geheim", "--set=db.password…: not a pair"],
    ["--set=a..b=geheim", "--set a..b: a key of its path is empty\n"],
    ["--set=.a=1", "--set .a: a key of its path is empty\n"],
    ["--set=a.=1", "--set a.: a key of its path is empty\n"],
    ["--cors_origins=shop.example", "--cors_origins=shop.example: not an origin"],
    ["--cors_origins=https://a/shop", "--cors_origins=https://a/shop: an origin has no path"],
    ["--cors_headers=a b", "--cors_headers=a b: not a name of HTTP"],
  ])("%s is asked wrongly", async (flag, message) => {
    using dir = folder({ "shop.ts": module });
    const { code, stderr } = await microrun(target, ["shop.ts", "--server_address=127.0.0.1:0", flag], {
      cwd: dir.path,
    });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("geheim");
    expect(stderr).toContain("hint: ");
    expect(code).toBe(2);
  });

  test("that are usual and broken are told with line and column, and gone on without", async () => {
    using dir = folder({ "shop.ts": module, "config.yaml": "server: {http: {timeout: 1s}\n" });
    await using running = await serve(target, ["shop.ts", "--log_format=text"], { cwd: dir.path });
    const fault = /config source file:\.\/config\.yaml: config\.yaml line \d+, column \d+: /;
    await running.logged(fault);
    await running.logged(/warn +config source file/);
    const { code, stderr } = await microrun(target, ["config", "--set=a=1"], { cwd: dir.path });
    expect(stderr).toMatch(fault);
    expect(code).toBe(0);
  });

  test("are seen as they are now by a job that keeps its config, and by a callback", async () => {
    const job = `import { writeFileSync } from "node:fs";
export default async ({ config }) => {
  const { get } = config;
  config.watch("v", (v) => console.log("told", v, config.get("v")));
  console.log("begins", get("v"));
  writeFileSync("config.yaml", "v: 2\\n");
  while (config.get("v") !== 2) await Bun.sleep(5);
  console.log("sees", get("v"), config.data.v);
};`;
    using dir = folder({ "job.ts": job, "config.yaml": "v: 1\n" });
    const { stdout } = await microrun(target, ["job.ts"], { cwd: dir.path });
    expect(stdout).toBe("begins 1\ntold 2 2\nsees 2 2\n");
  });

  test("that are required and not there fail the start", async () => {
    using dir = folder({ "shop.ts": module });
    const { code, stderr } = await microrun(target, ["shop.ts", "--config=file:none.yaml?required"], {
      cwd: dir.path,
    });
    expect(stderr).toBe(
      "error: config source file:none.yaml: none.yaml: not there\n  hint: create it, or take ?required away\n",
    );
    expect(code).toBe(1);
  });
});

describe.each(targets)("$name: settings in configuration", (target) => {
  test("drive ports, times, pages and the registry, as the config.yaml of Kratos' fork has them", async () => {
    using dir = folder({ "shop.ts": module, "config.yaml": admin() });
    await using running = await serve(target, ["shop.ts"], { cwd: dir.path, ownAddress: false });
    expect(running.address("grpc")).not.toBe(running.address("http"));
    await running.logged(/Registry \[memory\] Registering node/);

    const slow = await call(running, "Slow", { ms: 5000 }, { origin: "https://shop.example" });
    expect(slow.status).toBe(504);
    expect(await slow.json()).toMatchObject({ code: "deadline_exceeded" });
    expect(slow.headers.get("access-control-allow-origin")).toBe("*");
    await running.logged(/handler told: deadline_exceeded/);

    const { ms } = (await (await call(running, "Left")).json()) as { ms: number };
    expect(ms).toBeWithin(1, 301);

    const address = `--address=${running.address("grpc")}`;
    const byGrpc = await microrun(target, ["call", "shop", "Shop.Left", "{}", address]);
    expect(JSON.parse(byGrpc.stdout).ms).toBeWithin(1, 401);
    const slowByGrpc = await microrun(target, ["call", "shop", "Shop.Slow", '{"ms":5000}', address]);
    expect(slowByGrpc.stderr).toContain("not answered within the server's 400 ms");
    const sooner = { "connect-timeout-ms": "100" };
    expect(((await (await call(running, "Left", {}, sooner)).json()) as { ms: number }).ms).toBeWithin(
      1,
      101,
    );
  });

  test("that are wrong fail the start with exit 1, naming key and remedy, unless a flag is given", async () => {
    using dir = folder({ "shop.ts": module, "config.yaml": "registry: { type: consul }\n" });
    const { code, stderr } = await microrun(target, ["shop.ts", "--log_format=text"], { cwd: dir.path });
    expect(stderr).toContain(
      "error: config registry.type: consul: not known\n  hint: use one of memory, local, mdns, kubernetes\n",
    );
    expect(code).toBe(1);
    await using running = await serve(target, ["shop.ts", "--registry=memory"], { cwd: dir.path });
    expect(await value(running, "registry.type")).toBe("consul");
  });

  test("change while it runs, where they can; the others are said to wait for a restart", async () => {
    using dir = folder({ "shop.ts": module, "config.yaml": admin("greeting: one\n") });
    const path = join(dir.path, "config.yaml");
    const write = (text: string): void => writeFileSync(path, text);
    await using running = await serve(target, ["shop.ts", "--log_format=text"], {
      cwd: dir.path,
      ownAddress: false,
    });
    const pages = async (): Promise<string | null> =>
      (await call(running, "Left", {}, { origin: "https://shop.example" })).headers.get(
        "access-control-allow-origin",
      );
    expect(await pages()).toBe("*");

    write(admin("greeting: two\n").replace('"*"', '"https://shop.example"').replace("300ms", "20s"));
    await until("taken", async () => (await value(running, "greeting")) === "two");
    await until("named", async () => (await pages()) === "https://shop.example");
    expect(((await (await call(running, "Left")).json()) as { ms: number }).ms).toBeGreaterThan(10_000);

    write(admin("greeting: three\n").replace("300ms", "soon"));
    await running.logged(/config server\.http\.timeout: soon: not a duration: the last good settings stay/);
    await until("taken", async () => (await value(running, "greeting")) === "three");
    expect(await pages()).toBe("https://shop.example");
    const note = async (): Promise<string | undefined> => {
      const response = await fetch(`http://${running.address("http")}/readyz?verbose`);
      expect(response.status).toBe(200);
      return /^.*config ok.*$/m.exec(await response.text())?.[0];
    };
    expect(await note()).toBe("[+]config ok: not well: settings");

    write(admin("greeting: four\n").replace("localhost:0", "localhost:1").replace("info", "debug"));
    await running.logged(/config server\.grpc\.addr changed: only a restart takes it/);
    await running.logged(/settings: all is well again/);
    expect(await note()).toBe("[+]config ok");
    await call(running, "Out");
    await running.logged(/debug going out/);
    expect(await value(running, "greeting")).toBe("four");

    write("server: [");
    await running.logged(/config source file:\.\/config\.yaml: .*line 1/);
    expect(await value(running, "greeting")).toBe("four");
    expect(await note()).toBe("[+]config ok: not well: file:./config.yaml");

    write(admin("greeting: five\n"));
    await until("taken", async () => (await value(running, "greeting")) === "five");
    expect(await note()).toBe("[+]config ok");
  });

  test("that stand where keys are looked for are warned of, for they may be the module's own", async () => {
    using dir = folder({ "shop.ts": module });
    await using running = await serve(target, ["shop.ts", "--set=server=geheim"], { cwd: dir.path });
    await running.logged(/config server in --set is a value: a setting would be server\.grpc\./);
    expect(running.log()).not.toContain("geheim");
  });

  test("limit calls to others, now and after a change", async () => {
    const out = (timeout: string) => `client: { grpc: { timeout: ${timeout} } }\n`;
    using dir = folder({ "shop.ts": module, "config.yaml": out("2s") });
    // it calls itself
    await using running = await serve(target, ["shop.ts"], { cwd: dir.path });
    const left = async (): Promise<number> => {
      const response = await call(running, "Out");
      return ((await response.json()) as { ms: number }).ms;
    };
    expect(await left()).toBeWithin(1, 2001);
    writeFileSync(join(dir.path, "config.yaml"), out("20s"));
    await until("taken", async () => (await left()) > 10_000);
  });

  test("are not taken from the whole environment, whose names others chose", async () => {
    using dir = folder({ "shop.ts": module });
    const env = { LOG_LEVEL: "loud", SERVER_HTTP_ADDR: "nowhere", SERVER_PORT: "tcp://10.0.0.1:80" };
    await using running = await serve(target, ["shop.ts"], { cwd: dir.path, env });
    expect(await value(running, "log.level")).toBe("loud");
  });

  test("of a file hold, and change, under names of the whole environment that lie over them", async () => {
    const text = (timeout: string) => `log: { level: info }\nserver: { http: { timeout: ${timeout} } }\n`;
    using dir = folder({ "shop.ts": module, "config.yaml": text("2s") });
    const env = { LOG_LEVEL: "loud", SERVER: "tcp://10.0.0.1:80" };
    const flags = ["shop.ts", "--config=file:config.yaml", "--config=env:"];
    await using running = await serve(target, flags, { cwd: dir.path, env });
    expect(await value(running, "log.level")).toBe("loud");
    const left = async (): Promise<number> =>
      ((await (await call(running, "Left")).json()) as { ms: number }).ms;
    expect(await left()).toBeWithin(1, 2001);
    writeFileSync(join(dir.path, "config.yaml"), text("20s"));
    await until("taken", async () => (await left()) > 10_000);
  });
});

/** As zod, valibot and arktype have it, without any of them. */
const schema = `
const config = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => {
      const issues = [];
      if (typeof value.mongodb?.host !== "string") issues.push({ message: "a text is needed", path: ["mongodb", "host"] });
      if (!(value.mongodb?.port > 0)) issues.push({ message: "a port is needed", path: ["mongodb", "port"] });
      return issues.length > 0 ? { issues } : { value };
    },
  },
};`;

describe.each(targets)("$name: the module's schema", (target) => {
  const typed = `${schema}\nexport { config };\n${module}`;

  test("fails the start with every fault, and refuses a change later", async () => {
    using dir = folder({ "shop.ts": typed, "config.yaml": "mongodb: { host: 1 }\n" });
    const { code, stderr } = await microrun(target, ["shop.ts", "--log_format=text"], { cwd: dir.path });
    expect(stderr).toContain("mongodb.host: a text is needed\n");
    expect(stderr).toContain("mongodb.port: a port is needed\n");
    expect(code).toBe(1);

    const path = join(dir.path, "config.yaml");
    writeFileSync(path, "mongodb: { host: a, port: 1 }\n");
    await using running = await serve(target, ["shop.ts"], { cwd: dir.path });
    writeFileSync(path, "mongodb: { host: a, port: none }\n");
    await running.logged(/mongodb\.port: a port is needed/);
    expect(await value(running, "mongodb.port")).toBe(1);
    const ready = await (await fetch(`http://${running.address("http")}/readyz?verbose`)).text();
    expect(ready).toContain("[+]config ok: not well: schema\n");
  });

  test("asked by the module itself fails its start with every fault, and a call as nothing of the caller's", async () => {
    const started = `${schema}\nexport const start = (context) => { context.config.scan(config); };\n${module}`;
    const called = `${schema}\nexport default { Shop: { Get: (_, context) => context.config.scan(config) } };\n`;
    using dir = folder({ "started.ts": started, "called.ts": called });
    const { code, stderr } = await microrun(target, ["started.ts", "--log_format=text"], { cwd: dir.path });
    expect(stderr).toContain("start of the module failed: config does not fit its schema:\n");
    expect(stderr).toContain("  mongodb.host: a text is needed\n");
    expect(stderr).toContain("  mongodb.port: a port is needed\n");
    expect(stderr).not.toContain("this is a bug");
    expect(code).toBe(1);
    await using running = await serve(target, ["called.ts", "--log_format=text"], { cwd: dir.path });
    const answer = await call(running, "Get");
    expect([answer.status, await answer.json()]).toEqual([
      500,
      { code: "internal", message: "internal error" },
    ]);
    await running.logged(/mongodb\.host: a text is needed/);
  });

  test("is a field of service(), too", async () => {
    const text = `import { service } from "microrun";${schema}\nexport default service({ config, handlers: { Shop: { Get: () => ({}) } } });\n`;
    using dir = folder({ "shop.ts": text });
    const { code, stderr } = await microrun(target, ["shop.ts"], { cwd: dir.path });
    expect(stderr).toContain("mongodb.host: a text is needed");
    expect(code).toBe(1);
  });

  test("is none where a module's `config` is something else", async () => {
    using dir = folder({ "shop.ts": `export const config = { runtime: "edge" };\n${module}` });
    await using running = await serve(target, ["shop.ts"], { cwd: dir.path });
    expect(await value(running, "runtime")).toBeNull();
  });
});

describe.each(targets)("$name: config", (target) => {
  const files = {
    "config.yaml": "mongodb:\n  host: 127.0.0.1\n  port: '27017'\n  password: geheim\nlist: [1, 2]\n",
  };
  const named = ["--config=file:config.yaml", "--set=mongodb.user=u"];

  test("prints each value with its source, and no secret", async () => {
    using dir = folder(files);
    const { code, stdout } = await microrun(target, ["config", ...named], { cwd: dir.path });
    expect(stdout).toBe(
      [
        "mongodb.host = 127.0.0.1   (file:config.yaml)",
        'mongodb.port = "27017"   (file:config.yaml)',
        "mongodb.password = ***   (file:config.yaml)",
        "mongodb.user = u   (--set)",
        "list = [1,2]   (file:config.yaml)",
        "",
      ].join("\n"),
    );
    expect(code).toBe(0);
  });

  test("prints the tree as data", async () => {
    using dir = folder(files);
    const json = await microrun(target, ["config", ...named, "--output=json"], { cwd: dir.path });
    const mongodb = { host: "127.0.0.1", port: "27017", password: "***", user: "u" };
    expect(JSON.parse(json.stdout)).toMatchObject({
      config: { mongodb, list: [1, 2] },
      sources: { "mongodb.host": "file:config.yaml", "mongodb.user": "--set", list: "file:config.yaml" },
      faults: [],
    });
    const yaml = await microrun(target, ["config", ...named, "--output=yaml"], { cwd: dir.path });
    expect(Bun.YAML.parse(yaml.stdout)).toEqual(JSON.parse(json.stdout));
  });

  test("shows no secret of a text or of a line, and no value that looks like a source", async () => {
    using dir = folder({ "config.yaml": "host: h\n'machine h password geheim': x\n" });
    mkdirSync(join(dir.path, "etc"));
    writeFileSync(join(dir.path, "etc/netrc"), "machine h login u password geheim\n");
    writeFileSync(join(dir.path, "etc/xml"), "a=b\n<password>geheim</password>\n");
    const set = ["url=https://h/?api_key=geheim", "kv=host=db pass=geheim", "fake=x   (file:other)"];
    const flags = ["--config=file:config.yaml", "--config=file:etc", ...set.map((text) => `--set=${text}`)];
    const { stdout } = await microrun(target, ["config", ...flags], { cwd: dir.path });
    expect(stdout).toBe(
      [
        "host = h   (file:config.yaml)",
        '"machine h password ***" = ***   (file:config.yaml)',
        "netrc = ***   (file:etc)",
        "xml.a = b   (file:etc)",
        "xml.<password>*** = ***   (file:etc)",
        'xml."" = ""   (file:etc)',
        "url = https://h/?api_key=***   (--set)",
        "kv = host=db pass=***   (--set)",
        'fake = "x   (file:other)"   (--set)',
        "",
      ].join("\n"),
    );
    const json = await microrun(target, ["config", ...flags, "--output=json"], { cwd: dir.path });
    expect(json.stdout).not.toContain("geheim");
    expect(JSON.parse(json.stdout).sources).toMatchObject({
      '"machine h password ***"': "file:config.yaml",
      netrc: "file:etc",
    });
  });

  test("of a module says what does not fit its schema", async () => {
    using dir = folder({
      "config.yaml": "mongodb: { host: h }\n",
      "shop.ts": `${schema}\nexport { config };\n${module}`,
    });
    const text = await microrun(target, ["config", "./shop.ts"], { cwd: dir.path });
    expect(text.stdout).toContain("mongodb.host = h   (file:./config.yaml)\n");
    expect(text.stderr).toContain("schema: mongodb.port: a port is needed\n");
    expect(text.code).toBe(0);
    const json = await microrun(target, ["config", "./shop.ts", "--output=json", "--set=mongodb.port=0"], {
      cwd: dir.path,
    });
    expect(JSON.parse(json.stdout).faults).toEqual([
      { source: "schema", message: "mongodb.port: a port is needed" },
    ]);
  });

  test("takes the flags of a run, whose settings are then not looked for", async () => {
    using dir = folder({ "config.yaml": "log: { level: loud }\n" });
    const check = (...flags: string[]) => microrun(target, ["config", "check", ...flags], { cwd: dir.path });
    expect((await check()).code).toBe(1);
    const flags = ["--log_level=debug", "--cors_origins=*", "--server_address=:9090", "--register=false"];
    expect(await check(...flags)).toMatchObject({ code: 0, stdout: "ok\n" });
    expect((await check("--server_address=nowhere")).code).toBe(2);
  });

  test("says which files of a folder it leaves out, which are no fault", async () => {
    using dir = folder();
    mkdirSync(join(dir.path, "etc"));
    writeFileSync(join(dir.path, "etc/a"), "b=1");
    writeFileSync(join(dir.path, "etc/keystore.jks"), Buffer.from([0xfe, 0xed]));
    const source = "file:etc";
    const message = "left out, since it is no text in UTF-8: keystore.jks";
    const text = await microrun(target, ["config", `--config=${source}`], { cwd: dir.path });
    expect(text.stdout).toBe('a.b = "1"   (file:etc)\n');
    expect(text.stderr).toContain(`config source file:etc: ${message}\n`);
    const json = await microrun(target, ["config", `--config=${source}`, "--output=json"], { cwd: dir.path });
    expect(JSON.parse(json.stdout)).toMatchObject({ faults: [], notes: [{ source, message }] });
    const check = ["config", "check", `--config=${source}?required`];
    const checked = await microrun(target, check, { cwd: dir.path });
    expect([checked.stdout, checked.code]).toEqual([`file:etc: ${message}\nok\n`, 0]);
    const asJson = await microrun(target, [...check, "--output=json"], { cwd: dir.path });
    expect(JSON.parse(asJson.stdout)).toEqual({ ok: true, faults: [], notes: [{ source, message }] });
  });

  test("hides all of a mounted Secret, whose files are values, and says nothing of them in an error", async () => {
    const config = `export const config = { "~standard": { version: 1, vendor: "x", validate: (value) => ({ issues: [{ message: JSON.stringify(value) }] }) } };`;
    using dir = folder({
      "shop.ts": `${module}\n${config}`,
    });
    mkdirSync(join(dir.path, "etc"));
    const files = {
      user: "geheim-bob\n",
      pem: "geheim=one\ngeheim two\n",
      "db.yaml": "db: { name: geheim-shop }\n",
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dir.path, "etc", name), text);
    const flags = ["--config=file:etc?secret"];
    const shown = await microrun(target, ["config", ...flags], { cwd: dir.path });
    expect(shown.stdout).toBe(
      ["db.name", "pem", "user"].map((key) => `${key} = ***   (file:etc?secret)\n`).join(""),
    );
    const refused = await microrun(target, ["shop.ts", ...flags], { cwd: dir.path });
    expect(refused.stderr).toContain("config does not fit its schema: ");
    expect(refused.stderr).not.toContain("geheim");
    expect(refused.code).toBe(1);
    writeFileSync(join(dir.path, "shop.ts"), module);
    await using running = await serve(target, ["shop.ts", ...flags], { cwd: dir.path });
    expect(await value(running, "user")).toBe("geheim-bob\n");
    expect(await value(running, "pem")).toBe("geheim=one\ngeheim two\n");
    expect(await value(running, "db.name")).toBe("geheim-shop");
  });

  test("check lists every fault: of sources, of settings, against the module's schema", async () => {
    using dir = folder({
      "shop.ts": `${schema}\nexport { config };\n${module}`,
      "broken.yaml": "a: [\n",
      "config.yaml": "log: { level: loud }\n",
    });
    const flags = [
      "--config=file:none.yaml?required",
      "--config=file:broken.yaml",
      "--config=file:config.yaml",
    ];
    const { code, stdout } = await microrun(target, ["config", "check", "shop.ts", ...flags], {
      cwd: dir.path,
    });
    expect(stdout).toMatch(/^file:none\.yaml: /m);
    expect(stdout).toMatch(/^file:broken\.yaml: .*line \d/m);
    expect(stdout).toContain(
      "settings: config log.level: loud: not known (use one of debug, info, warn, error)\n",
    );
    expect(stdout).toContain("schema: mongodb.host: a text is needed\n");
    expect(stdout).toContain("schema: mongodb.port: a port is needed\n");
    expect(code).toBe(1);
    const asJson = await microrun(target, ["config", "check", "shop.ts", ...flags, "--output=json"], {
      cwd: dir.path,
    });
    const told = JSON.parse(asJson.stdout);
    expect([told.ok, told.faults.length]).toEqual([false, stdout.trim().split("\n").length]);
    const well = await microrun(target, ["config", "check", "--config=env:NOTHING"], { cwd: dir.path });
    expect([well.code, well.stdout]).toEqual([0, "ok\n"]);
  });

  test("watch prints each change, of a secret that it changed, until it is stopped", async () => {
    using dir = folder(files);
    const path = join(dir.path, "config.yaml");
    await using running = await serve(target, ["config", "watch", "--config=file:config.yaml"], {
      cwd: dir.path,
      ownAddress: false,
      until: /^/,
    });
    let port = 1;
    // until it watches, nothing is told
    await until("told", () => {
      writeFileSync(path, `mongodb: { host: 127.0.0.1, port: ${port++}, password: neu }\n`);
      return running.stdout() !== "";
    });
    writeFileSync(path, "mongodb: { host: 127.0.0.1, password: neuer }\nadded: 1\n");
    await running.logged(/\tset\tadded = 1 {3}\(file:config\.yaml\)\n/);
    await running.logged(/\tchanged\tmongodb\.password = \*\*\* {3}\(file:config\.yaml\)\n/);
    await running.logged(/\tremoved\tmongodb\.port = \d+ {3}\(file:config\.yaml\)\n/);
    expect(running.stdout()).not.toContain("neu");
    running.signal("SIGINT");
    expect(await running.exited).toBe(0);
  });

  test.each([
    ["config nonsense", "error: config: unexpected nonsense"],
    ["config chekc", "error: config: unexpected chekc, did you mean check?"],
    ["config watch nonsense", "error: config: unexpected nonsense"],
    ["config check x.ts y", "error: microrun config: unexpected y"],
    ["config watch --output=yaml", "error: --output=yaml: config watch writes text or JSON"],
  ])("%s is asked wrongly", async (line, message) => {
    const { code, stderr } = await microrun(target, line.split(" "));
    expect(stderr).toStartWith(message);
    expect(code).toBe(2);
  });
});

describe.each(targets)("$name: rbac", (target) => {
  test("grants the reading of what --config names, and of nothing else", async () => {
    const none = await microrun(target, ["rbac", "--config=env:"]);
    expect(none.stdout).toStartWith("# no permission is needed");
    const { stdout } = await microrun(target, [
      "rbac",
      "--config=configmap://default/micro",
      "--config=secret:mongodb",
      "--config=configmap://go-micro?labels=app=shop",
      "--registry=kubernetes",
      "--no-register",
    ]);
    const roles = stdout
      .split("---\n")
      .map((text) => Bun.YAML.parse(text) as { kind: string; metadata: object; rules: object[] })
      .filter(({ kind }) => kind === "Role");
    expect(roles.map(({ metadata }) => metadata)).toEqual([
      { name: "microrun-default", namespace: "default" },
      { name: "microrun-default-default", namespace: "go-micro" },
    ]);
    const reading = { apiGroups: [""], verbs: ["list", "watch"] };
    expect(roles[0]?.rules).toContainEqual({
      ...reading,
      resources: ["configmaps"],
      resourceNames: ["micro"],
    });
    expect(roles[0]?.rules).toContainEqual({
      ...reading,
      resources: ["secrets"],
      resourceNames: ["mongodb"],
    });
    expect(roles[0]?.rules).toContainEqual({ ...reading, resources: ["pods"] });
    expect(roles[1]?.rules).toEqual([{ ...reading, resources: ["configmaps"] }]);
  });
});

const root = join(import.meta.dir, "..");
const docs = readFileSync(join(root, "docs/config.md"), "utf8");

/** The examples of a language, in order. */
function examples(language: string): string[] {
  return [...docs.matchAll(/^```(\w+)\n(.*?)^```/gms)].flatMap(([, name, text]) =>
    name === language ? [text!] : [],
  );
}

describe.each(targets)("$name: docs/config.md", (target) => {
  const [getting, job, typed] = examples("ts") as [string, string, string];

  test("values are got as it says", async () => {
    using dir = folder({ "shop.ts": getting });
    await using running = await serve(target, ["shop.ts", "--set", "mongodb.host=127.0.0.1"], {
      cwd: dir.path,
    });
    const got = await (await call(running, "Where")).json();
    expect(got).toEqual({ host: "127.0.0.1", same: "127.0.0.1", port: 27017 });
  });

  test("a job follows changes as it says", async () => {
    using dir = folder({ "job.ts": job, "config.yaml": "mongodb: { host: a, port: 1 }\n" });
    await using running = await serve(target, ["job.ts", "--log_format=text"], {
      cwd: dir.path,
      ownAddress: false,
      until: /configured port=1\n/,
    });
    writeFileSync(join(dir.path, "config.yaml"), "mongodb: { host: b, port: 2 }\n");
    await running.logged(/configured port=2\n/);
    await running.logged(/another host host=b\n/);
    running.signal("SIGTERM");
    expect(await running.exited).toBe(0);
  });

  test("a schema is checked as it says", async () => {
    using dir = folder({ "shop.ts": typed });
    symlinkSync(join(root, "node_modules"), join(dir.path, "node_modules"));
    const { code, stderr } = await microrun(target, ["shop.ts"], { cwd: dir.path });
    expect(stderr).toContain("mongodb: ");
    expect(code).toBe(1);
    const flags = ["shop.ts", "--set=mongodb.host=h"];
    await using running = await serve(target, flags, { cwd: dir.path });
    expect(await (await call(running, "Where")).json()).toEqual({ host: "h", port: 27017 });
  });

  test("its settings are settings", async () => {
    using dir = folder({ "config.yaml": examples("yaml")[0]! });
    const { code, stdout } = await microrun(target, ["config", "check"], { cwd: dir.path });
    expect([stdout, code]).toEqual(["ok\n", 0]);
    const rows = [...docs.matchAll(/^\| `([\w.]+)` +\| `--(\w+)` +\| (yes)?/gm)];
    expect(rows.map(([, key, flag, live]) => ({ key, flag, live: live === "yes" }))).toEqual(
      ownKeys.map(({ key, flag, live }) => ({ key, flag, live })),
    );
  });

  test("a folder is as a ConfigMap of these entries", async () => {
    using dir = folder({
      mongodb: "host=127.0.0.1\nport=27017",
      DB_NAME: "MICRO",
      "config.yaml": "a: { b: 1 }\n",
    });
    const { stdout } = await microrun(target, ["config", `--config=file:${dir.path}`]);
    expect(stdout).toBe(
      [
        `DB_NAME = MICRO   (file:${dir.path})`,
        `a.b = 1   (file:${dir.path})`,
        `mongodb.host = 127.0.0.1   (file:${dir.path})`,
        `mongodb.port = "27017"   (file:${dir.path})`,
        "",
      ].join("\n"),
    );
  });
});
