/** The commands about other services, from outside: what they print, where, and with which exit code. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { folder, greeter, microrun, type Running, serve, type Target, targets } from "./harness.ts";
import { type Peer, peer } from "./peers.ts";

const proto = join(import.meta.dir, "peers/greeterpb/greeter.proto");
const db =
  '{"name":"db","version":"7","nodes":[{"id":"db-1","address":"10.0.0.5:9090","metadata":{"a":"b"}}]}';

/** Lines asked wrongly: the exit code 2, and what stderr begins with. */
const wrong: readonly (readonly [line: string, stderr: string])[] = [
  ["services --registry=loacl", "error: --registry=loacl: not known, did you mean local?\n  hint: use "],
  ["services --registry=memory", "error: --registry=memory: lives within one process\n  hint: use local"],
  [
    "services --output=xml",
    "error: --output=xml: not known, did you mean yaml?\n  hint: use one of json, yaml, wide\n",
  ],
  ["services a b", "error: microrun services: unexpected b\n"],
  [
    "services greeter",
    "error: services: unexpected greeter\n  hint: use microrun get greeter for one service\n",
  ],
  ["list greeter", "error: services: unexpected greeter\n"],
  ["get greeter other", "error: get: unexpected other\n"],
  ["watch greeter other", "error: watch: unexpected other\n"],
  ["get", "error: get: requires a service\n  hint: write microrun get greeter\n"],
  ["get greeter --selector=p2c", "error: --selector: not a flag of microrun get\n"],
  ["watch", "error: watch: requires a service\n"],
  ["watch greeter --output=yaml", "error: --output=yaml: not known\n  hint: use json\n"],
  ["register", "error: register: requires a service\n  hint: write microrun register '{"],
  ["register {", "error: register: the service is not JSON: "],
  ['register {"name":"db"}', "error: register: the service has no nodes\n"],
  ['register service {"name":"db","nodes":[{"id":"x"}]}', "error: register: nodes[0].address: missing\n"],
  [
    'register {"name":"db","nodes":[{"id":"x","address":"10.0.0.5"}]}',
    'error: register: node x: address "10.0.0.5": the port is missing\n  hint: write 10.0.0.5:8080\n',
  ],
  ["deregister []", "error: deregister: the service has no nodes\n"],
  ["deregister [1]", "error: deregister: the service: not an object\n"],
  ["rbac --selctor=p2c", "error: unknown flag --selctor: did you mean --selector?\n"],
  [
    "rbac --namespace=Bad_NS",
    "error: namespace Bad_NS: not a name of Kubernetes'\n  hint: set --namespace to ",
  ],
  ["rbac --kubernetes_namespace=a.b", "error: namespace a.b: not a name of Kubernetes'\n  hint: set --kub"],
  ["rbac --service_account=A/b", "error: service account A/b: not a name of Kubernetes'\n  hint: set --ser"],
  ["call g G.M {} --stream", "error: --stream: reads its requests from stdin\n"],
  ["call g G.M --selector=hash", "error: --selector=hash: chooses by a metadata key\n"],
  ["call g G.M --proto=nowhere.proto", "error: cannot read nowhere.proto: there is no such file\n"],
];

/** Runs to the end, with what stdin says. */
async function fed(target: Target, args: readonly string[], stdin: string, more = {}): Promise<string> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("MICRO_"));
  const env = { ...Object.fromEntries(own), ...more };
  const command = [...target.command, ...args];
  const child = Bun.spawn(command, { env, stdin: Buffer.from(stdin), stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return `${await child.exited}: ${stdout}${stderr}`;
}

/** A Go greeter on a free port. */
async function go(name: Peer): Promise<AsyncDisposable & { readonly at: string }> {
  const command = [(await peer(name))!, "serve", "--address", "127.0.0.1:0"];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "ignore" });
  let said = "";
  for await (const chunk of child.stdout) {
    said += new TextDecoder().decode(chunk);
    const at = /^listening (\S+)$/m.exec(said)?.[1];
    if (at === undefined) continue;
    return {
      at,
      async [Symbol.asyncDispose]() {
        child.kill();
        await child.exited;
      },
    };
  }
  throw new Error(`the peer ended:\n${said}`);
}

const peers = (await peer("v2")) !== undefined;

describe.each(targets)("$name", (target) => {
  test.each(wrong)("%p ends with 2 and says why", async (line, start) => {
    const { code, stdout, stderr } = await microrun(target, line.split(" "));
    expect(stderr).toStartWith(start);
    expect([code, stdout]).toEqual([2, ""]);
  });

  test("list is services, in its help too", async () => {
    const { code, stdout } = await microrun(target, ["list", "--help"]);
    expect(stdout).toStartWith("microrun services\n\nList the services");
    expect(code).toBe(0);
  });

  test("rbac says that the defaults need no permission", async () => {
    const { code, stdout } = await microrun(target, ["rbac"]);
    expect([code, stdout]).toEqual([0, "# no permission is needed: nothing is asked of the API server\n"]);
  });

  test("rbac grants what the flags need, where they need it, and no more", async () => {
    const granted = async (...flags: string[]) => {
      const { stdout } = await microrun(target, ["rbac", ...flags]);
      // biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
      return stdout.split("---\n").map((text) => Bun.YAML.parse(text) as Record<string, any>);
    };
    const [role, binding] = await granted("--registry=kubernetes", "--selector=static");
    expect(role).toMatchObject({
      kind: "Role",
      metadata: { namespace: "default" },
      rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["patch"] }],
    });
    expect(binding).toMatchObject({
      kind: "RoleBinding",
      roleRef: { name: role!.metadata.name },
      subjects: [{ kind: "ServiceAccount", name: "default", namespace: "default" }],
    });
    const found = await granted("--selector=p2c", "--no-register", "--namespace=a", "--service_account=g");
    expect(found.map(({ kind }) => kind)).toEqual(["Role", "RoleBinding"]);
    expect(JSON.stringify(found)).not.toContain("patch");
    expect(found[1]!.subjects).toEqual([{ kind: "ServiceAccount", name: "g", namespace: "a" }]);
    const apart = await granted("--selector=p2c", "--namespace=a", "--kubernetes_namespace=b");
    expect(apart.map(({ kind, metadata }) => `${kind} ${metadata.namespace}`)).toEqual([
      "Role a",
      "RoleBinding a",
      "Role b",
      "RoleBinding b",
    ]);
    expect(apart[3]!.subjects[0].namespace).toBe("a");
    const wide = await granted("--selector=p2c", "--kubernetes_namespace=*");
    expect(wide.map(({ kind }) => kind)).toEqual([
      "Role",
      "RoleBinding",
      "ClusterRole",
      "ClusterRoleBinding",
    ]);
  });

  test("a cluster that is not there is told with what to do, and ends with 1", async () => {
    using dir = folder();
    const env = { KUBECONFIG: join(dir.path, "nowhere"), HOME: dir.path };
    const { code, stdout, stderr } = await microrun(target, ["services", "--registry=kubernetes"], { env });
    expect(stderr).toMatch(/^error: [^\n]+: [^\n]+\n {2}hint: [^\n]+\n/);
    expect([code, stdout]).toEqual([1, ""]);
  });

  describe("on a machine where two greeters run", () => {
    const dir = folder({
      "who.ts": "export default { Who: { Am: (_, { service }) => ({ id: service.id }) } };",
    });
    const env = { XDG_RUNTIME_DIR: dir.path };
    const run = (...args: string[]) => microrun(target, args, { env });
    const running: Running[] = [];
    beforeAll(async () => {
      for (const [module, ...flags] of [
        [greeter, "--server_id=greeter-1", "--server_version=1.0", "--server_metadata=team=a"],
        [join(dir.path, "who.ts"), "--server_id=who-1"],
        [join(dir.path, "who.ts"), "--server_id=who-2"],
      ]) {
        const one = await serve(target, [module!, ...flags], { env });
        running.push(one);
        await one.logged(/Registering node/);
      }
    });
    afterAll(async () => {
      for (const one of running) await one[Symbol.asyncDispose]();
      dir[Symbol.dispose]();
    });

    test("services prints their names", async () => {
      expect(await run("services")).toEqual({ code: 0, stdout: "greeter\nwho\n", stderr: "" });
      expect((await run("list", "services")).stdout).toBe("greeter\nwho\n");
      const wide = "NAME     VERSIONS  INSTANCES\ngreeter  1.0       1\nwho      latest    2\n";
      expect((await run("services", "--output=wide")).stdout).toBe(wide);
      const listed = JSON.parse((await run("services", "--output=json")).stdout);
      expect(listed).toContainEqual({ name: "who", versions: ["latest"], instances: 2 });
    });

    test("get prints a service as Go Micro's tool does", async () => {
      const { code, stdout, stderr } = await run("get", "service", "greeter");
      const [head, table, ...rest] = stdout.split("\n\nID\t");
      expect(head).toBe("service  greeter\n\nversion 1.0");
      const [host, port] = running[0]!.address().split(":");
      expect(table).toStartWith(`Address\tPort\tMetadata\ngreeter-1\t${host}\t${port}\t`);
      expect(table).toContain("team=a");
      expect(table).toContain(
        "\n\nEndpoint: Greeter.Hello\n\nRequest: {\n\tname string\n}\n\nResponse: {\n\tgreeting string\n}\n\n",
      );
      expect([code, stderr, rest]).toEqual([0, "", []]);
    });

    test("get prints Go Micro's Service as JSON and YAML", async () => {
      const json = JSON.parse((await run("get", "who", "--output=json")).stdout);
      expect(json).toMatchObject([
        { name: "who", version: "latest", nodes: [{ id: "who-1" }, { id: "who-2" }] },
      ]);
      expect(Bun.YAML.parse((await run("get", "who", "--output=yaml")).stdout)).toEqual(json);
    });

    test("get of a service that nobody serves ends with 1", async () => {
      const missing = await run("get", "greter");
      expect(missing).toEqual({
        code: 1,
        stdout: "",
        stderr: "Service not found\n  hint: did you mean greeter?\n",
      });
    });

    test("call finds the service by its name", async () => {
      const { code, stdout, stderr } = await run("call", "greeter", "Greeter.Hello", '{"name":"John"}');
      expect([code, stdout, stderr]).toEqual([0, '{\n\t"greeting": "Hello John!"\n}\n', ""]);
    });

    test("calls spread over the instances", async () => {
      const seen = new Set<string>();
      for (let tries = 0; tries < 40 && seen.size < 2; tries++)
        seen.add(JSON.parse((await run("call", "who", "Who.Am")).stdout).id);
      expect([...seen].sort()).toEqual(["who-1", "who-2"]);
    });

    test("call of a service that nobody serves ends with 1 and says what to do", async () => {
      const { code, stdout, stderr } = await run("call", "nobody", "No.Body");
      expect(stderr).toMatch(
        /^error calling nobody\.No\.Body: \{"id":"microrun\.client","code":503,.*\}\n {2}hint: /,
      );
      expect([code, stdout]).toEqual([1, ""]);
    });

    test("a registered service is there until it is deregistered, and watch sees both", async () => {
      const options = { env, ownAddress: false };
      await using watching = await serve(target, ["watch", "db", "--output=json"], {
        ...options,
        until: /^/,
      });
      expect(await run("register", db)).toEqual({ code: 0, stdout: "ok\n", stderr: "" });
      await watching.logged(/"create"/);
      expect((await run("get", "db")).stdout).toBe(
        "service  db\n\nversion 7\n\nID\tAddress\tPort\tMetadata\ndb-1\t10.0.0.5\t9090\ta=b\n",
      );
      expect(await run("deregister", "service", db)).toEqual({ code: 0, stdout: "ok\n", stderr: "" });
      await watching.logged(/"delete"/);
      watching.signal("SIGINT");
      expect(await watching.exited).toBe(0);
      const told = watching
        .stdout()
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(told).toMatchObject([
        { action: "create", service: { name: "db", version: "7", nodes: [{ id: "db-1" }] } },
        { action: "delete", service: { name: "db", nodes: [{ id: "db-1" }] } },
      ]);
      expect((await run("get", "db")).code).toBe(1);
    });

    test("what get prints is what register and deregister take, also from stdin", async () => {
      const versions = ["1", "2"].map((version) => ({
        name: "cache",
        version,
        nodes: [{ id: `cache-${version}`, address: `10.0.0.${version}:6379` }],
      }));
      expect((await run("register", JSON.stringify(versions))).code).toBe(0);
      const { stdout: printed } = await run("get", "cache", "--output=json");
      expect(JSON.parse(printed)).toMatchObject(versions);
      expect(await fed(target, ["deregister", "-"], printed, env)).toBe("0: ok\n");
      expect((await run("get", "cache")).code).toBe(1);
      expect(await fed(target, ["register", "service", "-"], printed, env)).toBe("0: ok\n");
      expect((await run("get", "cache", "--output=json")).stdout).toBe(printed);
      expect((await run("deregister", printed)).code).toBe(0);
    });

    test("watch begins with who is there, and SIGTERM ends it well", async () => {
      const options = { env, ownAddress: false, until: /who-2/ };
      await using watching = await serve(target, ["watch", "who"], options);
      watching.signal("SIGTERM");
      expect(await watching.exited).toBe(0);
      const lines = watching.stdout().trim().split("\n");
      expect(lines.map((line) => line.split("\t").slice(1, 3).join(" ")).sort()).toEqual([
        "create who-1",
        "create who-2",
      ]);
    });
  });

  describe.skipIf(!peers)("against Go", () => {
    const called = async (at: string, ...args: string[]) => {
      const { code, stdout, stderr } = await microrun(target, [
        "call",
        "greeter",
        ...args,
        `--address=${at}`,
      ]);
      return `${code}: ${stdout}${stderr}`;
    };
    const hello = '0: {\n\t"greeting": "Hello John"\n}\n';

    test.each(["grpc-go", "kratos"] as const)(
      "%s, which takes protobuf alone, is called by reflection",
      async (name) => {
        await using peer = await go(name);
        expect(await called(peer.at, "Greeter.Hello", '{"name":"John"}')).toBe(hello);
        // the package is another than the service's name
        const { stdout } = await microrun(target, [
          "call",
          "shop",
          "Greeter.Hello",
          '{"name":"John"}',
          `--address=${peer.at}`,
        ]);
        expect(`0: ${stdout}`).toBe(hello);
        expect(await called(peer.at, "Greeter.Helo")).toContain(
          '"code":501,"detail":"greeter.Greeter has no method Helo, did you mean Hello?"',
        );
        expect(await called(peer.at, "Greeter.Hello", '{"nme":"John"}')).toBe(
          "2: error: greeter.HelloRequest: there is no field nme, did you mean name?\n",
        );
      },
    );

    test.each(["v2", "v5"] as const)(
      "Go Micro %s, which has no reflection, is called with JSON",
      async (name) => {
        await using peer = await go(name);
        expect(await called(peer.at, "Greeter.Hello", '{"name":"John"}')).toBe(hello);
      },
    );

    test("a .proto serves where there is no reflection", async () => {
      await using peer = await go("v2");
      const call = [peer.at, "Greeter.Hello", '{"name":"John"}'] as const;
      expect(await called(...call, `--proto=${proto}`)).toBe(hello);
      expect(await called(peer.at, "Greeter.Helo", `--proto=${proto}`)).toStartWith(
        "2: error: --proto: greeter.Greeter has no method Helo, did you mean Hello?\n",
      );
    });

    test("streams of both sides are lines of stdin and replies on stdout", async () => {
      await using peer = await go("grpc-go");
      const talk = (method: string, stdin: string) =>
        fed(target, ["call", "greeter", method, "--stream", `--address=${peer.at}`], stdin);
      const two = '{"name":"a"}\n\n{"name":"b"}\n';
      expect(await talk("Greeter.BidiHello", two)).toBe(
        '0: {\n\t"greeting": "Hello a"\n}\n{\n\t"greeting": "Hello b"\n}\n',
      );
      expect(await talk("Greeter.LotsOfGreetings", two)).toBe('0: {\n\t"greeting": "Hello a, Hello b"\n}\n');
      expect(await talk("Greeter.LotsOfGreetings", '{"name":"a"}\n{"name":7}\n')).toBe(
        "2: error: line 2: greeter.HelloRequest.name: a string is expected, got number\n",
      );
      expect(await talk("Greeter.Hello", two)).toStartWith(
        "2: error: --stream: greeter.Greeter.Hello takes one",
      );
      expect(await called(peer.at, "Greeter.Stream", '{"count":"2"}')).toBe('0: {}\n{\n\t"count": "1"\n}\n');
      expect(await called(peer.at, "Greeter.LotsOfGreetings", '{"name":"John"}')).toBe(hello);
    });

    test("the peer's own error is told as Go Micro's tool tells it", async () => {
      await using peer = await go("grpc-go");
      expect(await called(peer.at, "Greeter.Hello", '{"name":"err:3"}')).toStartWith(
        '1: error calling greeter.Greeter.Hello: {"id":"microrun.client","code":400,"detail":"boom err:3"',
      );
    });
  });
});
