/** `microrun build`: with nothing but microrun, an executable of a service that runs anywhere else. */
import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { folder, microrun, type Outcome, serve, type Target, targets } from "./harness.ts";

/** What the tests built. */
const made = mkdtempSync(join(tmpdir(), "microrun-build-"));
afterAll(() => rmSync(made, { recursive: true, force: true }));
const isRoot = process.getuid?.() === 0;

/** A project like people's: schema and sources in folders, files of several kinds, paths and decorators by tsconfig.json. */
const project: Readonly<Record<string, string>> = {
  "tsconfig.json":
    '{ "compilerOptions": { "experimentalDecorators": true, "paths": { "@lib/*": ["./src/lib/*"] } } }',
  ".env": "TOKEN=of-dotenv\n",
  "src/.env": "TOKEN=of-dotenv\n",
  "proto/common/types.proto": 'syntax = "proto3"; package common; message Name { string name = 1; }',
  "proto/greeter.proto": `syntax = "proto3"; package greeter; import "common/types.proto"; import "google/protobuf/empty.proto";
service Greeter { rpc Hello (common.Name) returns (Reply); rpc Ping (google.protobuf.Empty) returns (Reply); }
message Reply { string greeting = 1; }`,
  "src/greeter.ts": `import { readFileSync } from "node:fs";
import picture from "./public/picture.png";
import page from "./public/page.txt" with { type: "file" };
import words from "./words.json";
import { MicrorunError, service } from "microrun";
import { hi } from "@lib/hi.ts";

const late = ["./plugins", "late.js"].join("/");
const read = (path: string | URL) => readFileSync(path, "utf8").trim();
const kinds: Record<string, () => unknown> = {
  files: () => [read(picture), read(page), words.word, read(new URL("./templates/a.tpl", import.meta.url))].join(),
  code: () => hi(),
  late: async () => (await import(late)).late,
  environment: () => [process.env.TOKEN, process.env.NODE_ENV, __dirname.startsWith("/$bunfs/")].join(),
  refused: () => { throw new MicrorunError("not_found", "nobody"); },
  broken: () => { throw new Error("broken on purpose"); },
};
export default service({
  version: "7",
  proto: "../proto/greeter.proto",
  handlers: { Greeter: { Hello: async ({ name }) => ({ greeting: String(await kinds[name]!()) }) } },
});
`,
  "src/lib/hi.ts": `function tag(_: unknown, name: string, d: PropertyDescriptor) { const own = d.value; d.value = () => name + own(); }
class Words { @tag hi() { return "!"; } }
export const hi = () => new Words().hi();
`,
  "src/public/picture.png": "picture\n",
  "src/public/page.txt": "page\n",
  "src/words.json": '{ "word": "json" }',
  "src/templates/a.tpl": "template\n",
  "src/templates/server.key": "a key\n",
  "src/plugins/late.js": 'export const late = "came late";\n',
};

function projectIn(place: string): string {
  for (const [name, text] of Object.entries(project)) {
    mkdirSync(dirname(join(place, name)), { recursive: true });
    writeFileSync(join(place, name), text);
  }
  return place;
}

const include = ["--include=templates", "--include=plugins/*.js"];
const secrets = { TOKEN: "of-the-builder", NODE_ENV: "production" };

for (const target of targets) {
  describe(`microrun build (${target.name})`, () => {
    const home = join(made, target.name);
    const built = join(home, "greeter");
    let told: Outcome;
    const build = (
      args: readonly string[],
      cwd: string,
      env: Record<string, string> = {},
    ): Promise<Outcome> =>
      microrun(target, ["build", ...args], { cwd, env: { PATH: "", HOME: home, ...env } });

    test("one line says what was made, notes what to know", async () => {
      const place = projectIn(join(home, "first"));
      told = await build(["src/greeter.ts", "-o", built, ...include], place, secrets);
      expect(told.stderr).toContain(
        "note: src/greeter.ts:13: import(late) is resolved when the service runs",
      );
      expect(told.stderr).toContain("note: left out templates/server.key: it looks like a secret");
      expect(told.stdout).toMatch(
        new RegExp(`^${RegExp.escape(built)}  1\\d\\d\\.\\d MB  ${process.platform}-`),
      );
      expect(told.stdout.split("\n")).toHaveLength(2);
      expect(told.code).toBe(0);
      expect(
        readdirSync(home)
          .filter((name) => name !== ".bun")
          .sort(),
      ).toEqual(["first", "greeter"]);
    });

    test("the same input gives the same bytes, whatever its place and name", async () => {
      const place = projectIn(join(home, "deep/down/second"));
      const again = await build(["./greeter.ts", "--output=../other", ...include], join(place, "src"));
      expect(again.code).toBe(0);
      expect(Bun.hash(readFileSync(join(place, "other")))).toBe(Bun.hash(readFileSync(built)));
    });

    test("nothing of the builder's machine is inside", () => {
      const bytes = readFileSync(built);
      for (const text of ["of-the-builder", "of-dotenv", "a key\n", home])
        expect(bytes.includes(text), text).toBe(false);
    });

    test("the executable serves elsewhere, with an empty environment", async () => {
      using elsewhere = folder({
        ".env": "MICRO_SERVER_NAME=hostile",
        "bunfig.toml": 'preload = ["./evil.ts"]',
        "evil.ts": "process.exit(9)",
      });
      rmSync(join(home, "first"), { recursive: true, force: true });
      const alone: Target = { name: "alone", command: [Bun.which("env")!, "-i", built] };
      const flags = ["--registry=memory", "--log_format=text"];
      await using running = await serve(alone, flags, { cwd: elsewhere.path });
      const call = async (name: string): Promise<string> => {
        const request = JSON.stringify({ name });
        const { stdout, stderr } = await microrun(
          { name: "itself", command: [built] },
          ["call", "greeter", "Greeter.Hello", request, `--address=${running.address()}`],
          { cwd: elsewhere.path },
        );
        return stdout === "" ? stderr : (JSON.parse(stdout) as { greeting: string }).greeting;
      };
      expect(await call("files")).toBe("picture,page,json,template");
      expect(await call("code")).toBe("hi!");
      expect(await call("late")).toBe("came late");
      expect(await call("environment")).toBe(",development,true");
      expect(await call("refused")).toContain("nobody");
      expect(await call("broken")).toContain("internal error");
      await running.logged(/broken on purpose\n +at broken \(greeter\.ts:16:\d+\)/);
      const reply = await fetch(`http://${running.address()}/greeter.Greeter/Hello`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"name":"code"}',
      });
      expect(await reply.json()).toEqual({ greeting: "hi!" });
      const probe = ["probe", `--http=http://${running.address()}/readyz`];
      expect((await microrun({ name: "itself", command: [built] }, probe)).code).toBe(0);
      running.signal("SIGTERM");
      expect(await running.exited).toBe(0);
    });

    test("the executable offers what needs no source", async () => {
      const itself: Target = { name: "itself", command: [built] };
      const help = await microrun(itself, ["--help"]);
      expect(help.stdout).toContain("greeter [run] [flags]");
      expect(help.stdout).toContain("greeter probe");
      expect(help.stdout).not.toMatch(/greeter (build|image|manifest|deploy|init|types)\b/);
      expect((await microrun(itself, ["--version"])).stdout).toStartWith("microrun ");
      for (const [args, why] of [
        [["build", "./x.ts"], "unknown command build"],
        [["./x.ts"], "unexpected ./x.ts"],
        [["--watch"], "--watch: greeter is an executable"],
      ] as const) {
        const { code, stderr } = await microrun(itself, args);
        expect([code, stderr], args.join(" ")).toEqual([2, expect.stringContaining(why)]);
      }
    });

    test("a job gets the words behind --, and its exit code is the process's", async () => {
      const code =
        'export default ({ args }) => { console.log(args.join()); if (args.length > 1) throw new Error("too many"); };';
      using place = folder({ "job.ts": code });
      expect((await build(["./job.ts"], place.path)).code).toBe(0);
      const job: Target = { name: "job", command: [join(place.path, "job")] };
      expect(await microrun(job, ["--", "--since=x"])).toMatchObject({ code: 0, stdout: "--since=x\n" });
      expect((await microrun(job, ["--", "a", "b"])).code).toBe(1);
    });

    test("minified code keeps the source's lines, a given .proto replaces the module's", async () => {
      using place = folder({
        "echo.ts":
          '\n\nexport default { Echo: { Say: ({ text }: { text: string }) => { if (text === "") throw new Error("empty"); return { text }; } } };',
        "other.proto":
          'syntax = "proto3"; service Echo { rpc Say (Text) returns (Text); } message Text { string text = 1; }',
      });
      expect((await build(["./echo.ts", "--minify", "--proto=other.proto"], place.path)).code).toBe(0);
      const flags = ["--registry=memory", "--log_format=text"];
      await using running = await serve({ name: "echo", command: [join(place.path, "echo")] }, flags, {
        cwd: tmpdir(),
      });
      const say = async (body: string): Promise<number> =>
        (
          await fetch(`http://${running.address()}/Echo/Say`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body,
          })
        ).status;
      expect(await say('{"text":"a"}')).toBe(200);
      expect(await say('{"unknown":"a"}')).toBe(400);
      expect(await say('{"text":""}')).toBe(500);
      await running.logged(/empty\n +at .*echo\.ts:3:\d+/);
    });

    test("what cannot be built is told, and nothing is written", async () => {
      using place = folder({
        ".env": "A=1",
        "greeter.ts": "export default { Greeter: { Hello: () => ({}) } };",
        "file.ts": '\nimport "./nope.ts"; export default {};',
        "package.ts": 'import x from "not-there"; export default { A: { b: () => x } };',
        "syntax.ts": "export default { A: {  ;",
        "export.ts": 'import { no } from "./greeter.ts"; export default { A: { b: () => no } };',
        "secret.ts":
          'import env from "./.env" with { type: "text" }; export default { A: { b: () => env } };',
        "addon.ts": 'export default { A: { b: () => require("./a.node") } };',
        "a.node": "",
      });
      mkdirSync(join(place.path, "taken"));
      const ok = "./greeter.ts";
      const node = process.platform === "linux" ? "darwin-arm64" : "linux-x64";
      const cases: readonly (readonly [args: readonly string[], code: number, why: string])[] = [
        [[], 2, "of which module?"],
        [["./gretter.ts"], 2, "did you mean greeter.ts?"],
        [["./file.ts"], 2, "file.ts imports ./nope.ts, which does not exist"],
        [["./package.ts"], 2, "npm install not-there"],
        [["./syntax.ts"], 2, "syntax.ts:1:24: "],
        [["./export.ts"], 2, "export.ts:1:10: "],
        [["./secret.ts"], 2, "the module imports .env, which looks like a secret"],
        [["./addon.ts", `--target=${node}`], 2, "a.node is a native addon"],
        [[ok, "--target=linux-x68"], 2, "--target=linux-x68: no such target, did you mean linux-x64?"],
        [[ok, "-o", "taken"], 2, "cannot write taken: it is a folder"],
        [[ok, "-o", "greeter.ts"], 2, "it is one of the files that it is made of"],
        [[ok, "-o", "greeter.ts/x"], 1, "a file of that name is in the way"],
        [[ok, "-o"], 2, "--output: needs a value"],
        [[ok, "--include=nothing/**"], 2, "--include=nothing/**: matches no file"],
        [[ok, "--proto=nope.proto"], 2, "--proto=nope.proto: no such file"],
        [[ok, "--runtime=nope"], 2, "--runtime=nope: no such file"],
        [[ok, "--runtime=greeter.ts"], 2, "--runtime=greeter.ts: not an executable"],
        [[ok, `--runtime=${process.execPath}`, `--target=${node}`], 2, `not for ${node}`],
        [[ok, `--runtime=${Bun.which("ls")}`], 2, `not Bun ${Bun.version}`],
      ];
      const before = readdirSync(place.path);
      for (const [args, code, why] of cases) {
        const outcome = await build(args, place.path);
        expect([outcome.code, outcome.stderr], args.join(" ")).toEqual([code, expect.stringContaining(why)]);
      }
      expect(readdirSync(place.path)).toEqual(before);
    });

    test("a runtime is found from the current folder, wherever the module lies", async () => {
      using place = folder();
      mkdirSync(join(place.path, "src"));
      writeFileSync(join(place.path, "src/greeter.ts"), "export default { A: { b: () => ({}) } };");
      symlinkSync(process.execPath, join(place.path, "own-bun"));
      const outcome = await build(["src/greeter.ts", "--runtime=./own-bun"], place.path);
      expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
      expect(readdirSync(place.path).sort()).toEqual(["greeter", "own-bun", "src"]);
    });

    test.skipIf(isRoot && Bun.which("setpriv") === null)(
      "a folder that may not be written to is told",
      async () => {
        using place = folder({ "greeter.ts": "export default { A: { b: () => ({}) } };" });
        chmodSync(place.path, 0o755);
        mkdirSync(join(place.path, "closed"), { mode: 0o555 });
        const nobody = isRoot ? ["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups"] : [];
        const own: Target = { name: "nobody", command: [...nobody, ...target.command] };
        // a checkout of root's is closed to nobody
        if (isRoot && target.name === "source") return;
        if (isRoot) {
          cpSync(target.command[0]!, join(place.path, "microrun"));
          Object.assign(own, { command: [...nobody, join(place.path, "microrun")] });
        }
        const { code, stderr } = await microrun(own, ["build", "./greeter.ts", "-o", "closed/greeter"], {
          cwd: place.path,
        });
        expect([code, stderr]).toEqual([1, expect.stringContaining("permission denied")]);
        expect(readdirSync(join(place.path, "closed"))).toEqual([]);
      },
    );
  });
}
