/** The command line, from outside: what is written where, and the exit code. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { flagsFile } from "../scripts/docs.ts";
import { publicTypes, typesFile } from "../scripts/types.ts";
import { flagReference } from "../src/cli/reference.ts";
import { folder, greeter, microrun, type Running, serve, targets } from "./harness.ts";
import { peer } from "./peers.ts";

const root = join(import.meta.dir, "..");
const v2 = await peer("v2");

/** Lines asked wrongly: the exit code 2, and what stderr begins with. */
const wrong: readonly (readonly [line: string, stderr: string])[] = [
  [
    "./x.ts --server_adress=:1",
    "error: unknown flag --server_adress: did you mean --server_address?\n  hint: see microrun run --help\n",
  ],
  ["./x.ts -x", "error: unknown flag -x\n"],
  [
    "./x.ts --registry_address=a:1,::::",
    "error: --registry_address=::::: not an address\n  hint: write it as host:port",
  ],
  ["", 'error: unknown command ""\n'],
  ["./x.ts --server_address=nonsense:port", 'error: --server_address: address "nonsense:port": '],
  [
    "./x.ts --server_address",
    "error: --server_address: needs a value\n  hint: write it as --server_address=",
  ],
  [
    "./x.ts --client_request_timeout=5",
    "error: --client_request_timeout=5: not a duration\n  hint: write it as 5s",
  ],
  ["./x.ts --max_message_bytes=big", "error: --max_message_bytes=big: not a size\n  hint: write it as 4MiB"],
  [
    "./x.ts --server_metadata=zone",
    "error: --server_metadata=zone: not a pair\n  hint: write it as key=value",
  ],
  ["./x.ts --registry=memry", "error: --registry=memry: not known, did you mean memory?\n  hint: use "],
  [
    "./x.ts --log_level=loud",
    "error: --log_level=loud: not known\n  hint: use one of debug, info, warn, error",
  ],
  ["./x.ts --server=mucp", "error: --server=mucp: has no meaning in microrun\n  hint: use grpc"],
  ["./x.ts --store=redis", "error: --store: has no meaning in microrun\n  hint: keep state in a database"],
  ["./x.ts --tls_cert=/nowhere.crt --tls_key=x", "error: --tls_cert=/nowhere.crt: no such file"],
  ["./x.ts --tls_cert=/nowhere.crt", "error: --tls_cert: useless without --tls_key"],
  [
    "./x.ts another",
    "error: microrun run: unexpected another\n  hint: put the handler's own words behind --",
  ],
  ["rnu ./x.ts", "error: unknown command rnu, did you mean run?"],
  ["init --watch", "error: --watch: not a flag of microrun init\n  hint: see microrun init --help"],
  ["completion fish", "error: completion for fish: "],
  ["call greeter", "error: call: requires a service and an endpoint"],
  [
    "call greeter Hello",
    "error: endpoint Hello: not of the form Service.Method\n  hint: write it as Greeter.Hello",
  ],
  ["call greeter Greeter.Hello {", "error: request: not JSON"],
];

/** Of the line `listening HOST:PORT` that a peer says. */
async function listeningAddress(output: ReadableStream<Uint8Array>): Promise<string> {
  let said = "";
  for await (const chunk of output) {
    said += new TextDecoder().decode(chunk);
    const found = /^listening (\S+)$/m.exec(said);
    if (found !== null) return found[1]!;
  }
  throw new Error(`the peer ended:\n${said}`);
}

describe.each(targets)("$name", (target) => {
  test("--version names the version, the host and the platform", async () => {
    const { code, stdout, stderr } = await microrun(target, ["--version"]);
    expect(stdout).toMatch(/^microrun \d+\.\d+\.\d+ \(bun \d+\.\d+\.\d+, \w+-\w+\)\n$/);
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("--help shows commands, groups of flags and examples, no line wider than the terminal", async () => {
    const { code, stdout } = await microrun(target, ["--help"]);
    expect(code).toBe(0);
    for (const part of ["Commands:", "Service:", "--server_address", "[default: 4MiB]", "Examples:"]) {
      expect(stdout).toContain(part);
    }
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  test("a command's --help shows its own flags alone", async () => {
    const { code, stdout } = await microrun(target, ["probe", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("--connect_timeout");
    expect(stdout).not.toContain("--selector");
  });

  test("nothing asked gets the help on stderr and 2", async () => {
    const { code, stdout, stderr } = await microrun(target, []);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("microrun [run] <module>");
  });

  test.each(wrong)("%p ends with 2 and says why", async (line, start) => {
    const { code, stdout, stderr } = await microrun(target, line.split(" "));
    expect(stderr).toStartWith(start);
    expect([code, stdout]).toEqual([2, ""]);
  });

  test("a failed run is told in JSON where the log was asked for so", async () => {
    for (const [args, env] of [
      [["./x.ts", "--log_format=json"], {}],
      [["run", "./x.ts", "--log-format", "json"], {}],
      [["./x.ts"], { MICRO_LOG_FORMAT: "json" }],
    ] as const) {
      const { code, stderr } = await microrun(target, args, { env });
      const { time, ...rest } = JSON.parse(stderr);
      const hint = "give the path of a module";
      expect(rest).toEqual({ level: "error", message: "cannot load ./x.ts: no such file", hint });
      expect(code).toBe(2);
    }
    const env = { MICRO_LOG_FORMAT: "json" };
    const text = await microrun(target, ["./x.ts", "--log_format=text"], { env });
    expect(text.stderr).toStartWith("error: cannot load");
  });

  test("a module whose code throws ends with 1, one that cannot be served with 2", async () => {
    const cwd = join(root, "test/fixtures/modules/bad");
    const codes = [
      "throws.ts",
      "constructor.ts",
      "syntax.ts",
      "no-package.ts",
      "no-default.ts",
      "no-proto.ts",
    ];
    const outcomes = await Promise.all(codes.map((path) => microrun(target, [path], { cwd })));
    expect(outcomes.map(({ code }) => code)).toEqual([1, 1, 2, 2, 2, 2]);
  });

  test("a request that cannot be empty does not keep a service from running", async () => {
    using dir = folder({
      "old.proto":
        'syntax = "proto2"; package old; message M { required string a = 1; } service S { rpc A(M) returns (M); }',
      "old.ts": "export default { S: { A: (m) => m } };",
    });
    await using running = await serve(target, [join(dir.path, "old.ts")]);
    const { stdout } = await microrun(target, [
      "call",
      "old",
      "S.A",
      '{"a":"x"}',
      `--address=${running.address()}`,
    ]);
    expect(stdout).toBe('{\n\t"a": "x"\n}\n');
  });

  test("a wrong variable is named as the variable", async () => {
    const env = { MICRO_DRAIN_TIMEOUT: "soon" };
    const { code, stderr } = await microrun(target, ["./x.ts"], { env });
    expect(stderr).toStartWith("error: MICRO_DRAIN_TIMEOUT=soon: not a duration");
    expect(code).toBe(2);
  });

  test("FORCE_COLOR paints an error, NO_COLOR does not", async () => {
    const painted = await microrun(target, ["./x.ts", "--foo"], { env: { FORCE_COLOR: "1" } });
    expect(painted.stderr).toStartWith("\x1b[31;1merror:\x1b[0m");
    const plain = await microrun(target, ["./x.ts", "--foo"], { env: { FORCE_COLOR: "1", NO_COLOR: "1" } });
    expect(plain.stderr).toStartWith("error:");
  });

  test("the probe and the sidecar keep their own exit code for a missing setting", async () => {
    const probe = await microrun(target, ["probe", "--server_address=:1"]);
    expect([probe.code, probe.stderr]).toEqual([
      1,
      "error: server name not set\n  hint: give --server_name\n",
    ]);
    expect((await microrun(target, ["probe", "--nonsense"])).code).toBe(1);
    const sidecar = await microrun(target, ["health", "--server_name=greeter"]);
    expect(sidecar.code).toBe(1);
    expect(sidecar.stderr).toContain("server address not set");
  });

  test("the probe of nobody ends with 2, no connection", async () => {
    const line = ["probe", "--server_name=x", "--server_address=127.0.0.1:1"];
    const { code, stderr } = await microrun(target, line);
    expect(stderr).toStartWith("cannot connect to 127.0.0.1:1: ");
    expect(code).toBe(2);
  });

  test("the probe of a port that never answers ends with 4", async () => {
    const silent = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
    await new Promise((listening) => silent.once("listening", listening));
    const { port } = silent.address() as { port: number };
    const line = ["probe", `--http=http://127.0.0.1:${port}/`, "--rpc_timeout=50ms"];
    expect((await microrun(target, line)).code).toBe(4);
    silent.close();
  });

  test("the probe of a port that is silent to gRPC ends with 2, no connection", async () => {
    const silent = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
    await new Promise((listening) => silent.once("listening", listening));
    const { port } = silent.address() as { port: number };
    const named = ["--server_name=x", `--server_address=127.0.0.1:${port}`];
    const { code, stderr } = await microrun(target, ["probe", ...named, "--connect_timeout=200ms"]);
    expect(stderr).toBe(`cannot connect to 127.0.0.1:${port}: connecting: not done after 200 ms\n`);
    expect(code).toBe(2);
    silent.close();
  });

  test("init and types say what keeps them from writing, in words of the user's", async () => {
    using dir = folder({ file: "", node_modules: "", "package.json": "{}" });
    const init = await microrun(target, ["init", "file/x"], { cwd: dir.path });
    expect(init.stderr).toMatch(
      /^error: init: cannot write file.*: a file stands where a folder is needed\n {2}hint: /,
    );
    const types = await microrun(target, ["types"], { cwd: dir.path });
    expect(types.stderr).toMatch(/^error: types: cannot write node_modules.*: a file .*\n {2}hint: /);
    expect([init.code, types.code]).toEqual([1, 1]);
  });

  test("init's next steps can be copied, whatever the folder's name", async () => {
    using dir = folder();
    const { stdout } = await microrun(target, ["init", "a b/ü"], { cwd: dir.path });
    expect(stdout).toContain("\n  cd 'a b/ü'\n");
    expect(stdout).toContain(
      "\n  kubectl create configmap greeter --from-file=greeter.ts --from-file=greeter.proto\n",
    );
  });

  test("init writes a service whose test passes and whose types hold, and never overwrites", async () => {
    using dir = folder();
    const first = await microrun(target, ["init", "greeter"], { cwd: dir.path });
    expect([first.code, first.stderr]).toEqual([0, ""]);
    expect(first.stdout).toContain("cd greeter");
    const made = join(dir.path, "greeter");
    const files = ["greeter.proto", "greeter.test.ts", "greeter.ts", "greeter.types.ts", "greeter.yaml"];
    expect(readdirSync(made).sort()).toEqual([...files, "node_modules", "tsconfig.json"]);

    const run = (...command: string[]) =>
      Bun.spawnSync(command, { cwd: made, stdout: "pipe", stderr: "pipe" });
    const tested = run(process.execPath, "test");
    expect(tested.stderr.toString()).toContain(" 1 pass");
    writeFileSync(
      join(made, "typed.ts"),
      `import { MicrorunError, service } from "microrun";
       export default service({ name: "x", handlers: { X: { Y: (_request: unknown, { log }) => log.info("y") } } });
       // @ts-expect-error: not a code
       export const error = new MicrorunError("not_fund", "no user");`,
    );
    const checked = run(process.execPath, join(root, "node_modules/typescript/bin/tsc"), "-p", ".");
    expect(checked.stdout.toString()).toBe("");

    writeFileSync(join(made, "greeter.ts"), "mine");
    const second = await microrun(target, ["init", "greeter"], { cwd: dir.path });
    expect(second.code).toBe(1);
    expect(second.stderr).toStartWith(
      "error: init: already there: greeter/greeter.ts, greeter/greeter.proto",
    );
    expect(readFileSync(join(made, "greeter.ts"), "utf8")).toBe("mine");
  }, 30_000);

  test("types leaves an installed package of that name alone", async () => {
    using dir = folder({ "package.json": "{}" });
    const installed = join(dir.path, "node_modules/microrun");
    mkdirSync(installed, { recursive: true });
    writeFileSync(join(installed, "package.json"), '{"name":"microrun"}');
    const { code, stderr } = await microrun(target, ["types"], { cwd: dir.path });
    expect(stderr).toStartWith("error: types: node_modules/microrun is an installed package");
    expect(code).toBe(1);
  });

  test.each(["bash", "zsh"])("completion %s is a script that shell can read", async (shell) => {
    const { code, stdout } = await microrun(target, ["completion", shell]);
    expect(code).toBe(0);
    expect(stdout).toContain(shell === "bash" ? "complete -o bashdefault" : "#compdef microrun");
    if (Bun.which(shell) === null) return;
    expect(Bun.spawnSync([shell, "-n", "-c", stdout]).exitCode).toBe(0);
  });

  test.skipIf(!Bun.which("bash"))("the Tab key completes commands, flags and values", async () => {
    const complete = (...words: string[]): string[] => {
      const quoted = target.command.map((word) => `'${word}'`).join(" ");
      const script = `microrun() { ${quoted} "$@"; }; source <(microrun completion bash)
        COMP_WORDS=(microrun "$@"); COMP_CWORD=$#; _microrun_yargs_completions; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout } = Bun.spawnSync(["bash", "-c", script, "bash", ...words]);
      return stdout.toString().trim().split("\n");
    };
    expect(complete("ini")).toEqual(["init"]);
    expect(complete("./x.ts", "--sel")).toEqual(["--selector", "--selector_key"]);
    expect(complete("run", "./x.ts", "--log_level", "de")).toEqual(["debug"]);
    expect(complete("probe", "--conn")).toEqual(["--connect_timeout"]);
  });

  test.skipIf(v2 === undefined)(
    "a Go Micro v2 service is probed, watched by the sidecar, and called",
    async () => {
      const serving = [v2!, "serve", "--address", "127.0.0.1:0"];
      await using go = Bun.spawn(serving, { stdout: "pipe", stderr: "ignore" });
      const at = await listeningAddress(go.stdout);
      const named = ["--server_name=greeter", `--server_address=${at}`];
      expect(await microrun(target, ["probe", ...named])).toEqual({
        code: 0,
        stdout: "status: ok\n",
        stderr: "",
      });
      const sidecar = await serve(target, ["health", ...named, "--health_address=127.0.0.1:0"], {
        until: /Server \[health\] Listening/,
      });
      await using _ = sidecar;
      expect(await (await fetch(`http://${sidecar.address("health")}/health`)).text()).toBe("OK");
      const call = ["call", "greeter", "Greeter.Hello", '{"name":"Go"}', `--address=${at}`];
      expect((await microrun(target, call)).stdout).toBe('{\n\t"greeting": "Hello Go"\n}\n');
      const failed = await microrun(target, call.with(3, '{"name":"err:404"}'));
      expect(failed.stderr).toBe(
        'error calling greeter.Greeter.Hello: {"id":"greeter.Hello","code":404,"detail":"boom err:404","status":"Not Found"}\n',
      );
    },
  );

  describe("against a running greeter", () => {
    let running: Running;
    let at = "";
    beforeAll(async () => {
      running = await serve(target, [greeter]);
      at = running.address();
    });
    afterAll(() => running[Symbol.asyncDispose]());

    test("call prints the reply, indented by tabs", async () => {
      const line = ["call", "greeter", "Greeter.Hello", '{"name":"John"}', `--address=${at}`];
      const { code, stdout, stderr } = await microrun(target, line);
      expect([code, stdout, stderr]).toEqual([0, '{\n\t"greeting": "Hello John!"\n}\n', ""]);
    });

    test("call takes a method's path, too", async () => {
      for (const words of [
        ["greeter.Greeter/Hello"],
        ["/greeter.Greeter/Hello"],
        ["greeter", "Greeter/Hello"],
      ]) {
        const { stdout } = await microrun(target, ["call", ...words, '{"name":"John"}', `--address=${at}`]);
        expect(stdout, words.join(" ")).toBe('{\n\t"greeting": "Hello John!"\n}\n');
      }
    });

    test("call prints each reply of a method that streams", async () => {
      using dir = folder({
        "st.ts": "export default { S: { Count: async function* () { yield 1; yield 2; } } };",
      });
      await using streaming = await serve(target, [join(dir.path, "st.ts")]);
      const line = ["call", "st", "S.Count", `--address=${streaming.address()}`];
      expect(await microrun(target, line)).toEqual({ code: 0, stdout: "1\n2\n", stderr: "" });
    });

    test("call tells a failed call as Go Micro's tool does, and ends with 1", async () => {
      const line = ["call", "greeter", "Greeter.Nope", `--address=${at}`];
      const { code, stdout, stderr } = await microrun(target, line);
      expect(stderr).toMatch(
        /^error calling greeter\.Greeter\.Nope: \{"id":".*","code":501,"detail":".*","status":"Not Implemented"\}\n$/,
      );
      expect([code, stdout]).toEqual([1, ""]);
    });

    test("both lines that the greeter says at its start do what they say", async () => {
      const text = await serve(target, [greeter, "--log_format=text"]);
      await using _ = text;
      const [curl, call] = text
        .stdout()
        .split("\n")
        .slice(1, 3)
        .map((line) => line.trim());
      expect(call).toContain("call greeter Greeter.Hello");
      const shell = (line: string) =>
        Bun.spawnSync(["sh", "-c", line], { cwd: root, stdout: "pipe", env: process.env });
      if (Bun.which("curl")) expect(shell(curl!).stdout.toString()).toBe('{"greeting":"Hello John!"}');
      const bin = `PATH="${join(process.execPath, "..")}:$PATH"`;
      expect(shell(`${bin}; ${call}`).stdout.toString()).toContain("Hello John!");
    });

    test("the probe ends with 0 by gRPC and by HTTP", async () => {
      const rpc = await microrun(target, ["probe", "--server_name=greeter", `--server_address=${at}`]);
      expect([rpc.code, rpc.stdout]).toEqual([0, "status: ok\n"]);
      const http = await microrun(target, ["probe", "--http=/readyz"], { env: { MICRO_SERVER_ADDRESS: at } });
      expect([http.code, http.stdout]).toEqual([0, "status: ok\n"]);
      const missing = await microrun(target, ["probe", "--http=/nowhere", `--server_address=${at}`]);
      expect(missing.code).toBe(4);
    });

    test("the sidecar answers OK, then NOT_HEALTHY once the service is gone, and 404 elsewhere", async () => {
      const service = await serve(target, [greeter]);
      const sidecar = await serve(
        target,
        [
          "health",
          "--server_name=greeter",
          `--server_address=${service.address()}`,
          "--health_address=127.0.0.1:0",
        ],
        { until: /Server \[health\] Listening/ },
      );
      await using _ = sidecar;
      const url = `http://${sidecar.address("health")}`;
      const ok = await fetch(`${url}/health`);
      expect([ok.status, ok.headers.get("content-type"), await ok.text()]).toEqual([
        200,
        "text/plain; charset=utf-8",
        "OK",
      ]);
      expect((await fetch(`${url}/health`, { method: "POST" })).status).toBe(200);
      expect((await fetch(`${url}/healthz`)).status).toBe(404);
      await service[Symbol.asyncDispose]();
      const gone = await fetch(`${url}/health`);
      expect([gone.status, await gone.text()]).toEqual([500, "NOT_HEALTHY"]);
      sidecar.signal("SIGTERM");
      expect(await sidecar.exited).toBe(0);
    });
  });
});

test("docs/flags.md is what the tables say; npm run docs writes it", () => {
  expect(readFileSync(flagsFile, "utf8")).toBe(flagReference());
});

test("the types handed out are those of src/mod.ts; npm run docs writes them", () => {
  expect(readFileSync(typesFile, "utf8")).toBe(publicTypes());
});

test("the greeter of examples/ is the one that init writes", () => {
  for (const name of ["greeter.ts", "greeter.test.ts"]) {
    const template = readFileSync(join(root, `src/cli/greeter/${name}.txt`), "utf8");
    expect(readFileSync(join(root, "examples/greeter", name), "utf8")).toBe(template);
  }
  const proto = readFileSync(join(root, "src/cli/greeter/greeter.proto"), "utf8");
  expect(readFileSync(join(root, "examples/greeter/greeter.proto"), "utf8")).toBe(proto);
});
