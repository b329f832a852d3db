/** `microrun build` of modules that use what modules can: an executable does what `microrun run` does, or is not made. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { microrun, type Outcome, serve, targets } from "./harness.ts";

/** A folder of its own with these files, in folders or not, removed when disposed. */
function project(files: Readonly<Record<string, string>>): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "microrun-build-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

const handlers = "export default { A: { b: () => ({}) } };";

for (const target of targets) {
  describe(`microrun build of a module (${target.name})`, () => {
    const build = (args: readonly string[], cwd: string): Promise<Outcome> =>
      microrun(target, ["build", ...args], { cwd, env: { HOME: cwd } });

    /** What the executable answers, served elsewhere. */
    async function answers(executable: string, ...paths: string[]): Promise<unknown[]> {
      const built = { name: "built", command: [executable] };
      await using running = await serve(built, ["--registry=memory"], { cwd: tmpdir() });
      return await Promise.all(
        paths.map(async (path) => {
          const headers = { "content-type": "application/json" };
          const init = { method: "POST", headers, body: '{"text":"a"}' };
          return (await fetch(`http://${running.address()}${path}`, init)).json();
        }),
      );
    }

    test("classes keep their names, minified as well", async () => {
      using place = project({
        "old.ts": "export class Users { Get() { return { version: 1 }; } }\nexport class Response {}",
        "users.ts": `import { Response as Own, Users as Base } from "./old.ts";
          function inner() { return class Inner {}; }
          class Missing extends Error { constructor() { super(); this.name = new.target.name; } }
          export default class Users extends Base {
            Names() { return { names: [Users, Base, Own, new Missing().constructor, inner, inner()].map(({ name }) => name), error: new Missing().name, status: new Response("").status }; }
          }`,
        "both.ts":
          'import { Users } from "./old.ts"; const Orders = class { Get() { return {}; } }; export default [new Users(), new Orders()];',
      });
      const names = {
        names: ["Users", "Users", "Response", "Missing", "inner", "Inner"],
        error: "Missing",
        status: 200,
      };
      for (const flags of [[], ["--minify"]]) {
        expect(await build(["./users.ts", ...flags], place.path)).toMatchObject({ code: 0, stderr: "" });
        const told = await answers(join(place.path, "users"), "/Users/Names", "/Users/Get");
        expect(told, flags.join()).toEqual([names, { version: 1 }]);
        expect(await build(["./both.ts", ...flags], place.path)).toMatchObject({ code: 0, stderr: "" });
        const both = await answers(join(place.path, "both"), "/Users/Get", "/Orders/Get");
        expect(both, flags.join()).toEqual([{ version: 1 }, {}]);
      }
    });

    test("imports are in the executable what they are at run time", async () => {
      using place = project({
        "all.ts": `import { readFileSync } from "node:fs";
          import "./page.css";
          import styles from "./page.module.css";
          import logo from "./logo.svg";
          import table from "./table.csv";
          import script from "./start.sh";
          import module from "./add.wasm";
          import icon from "icons/icon.ico";
          import tree from "./tree.xml";
          import list from "./list.yaml";
          import merge from "lodash.merge";
          import { service } from "./names.service";
          import { text } from "./text.ts";
          const read = (path: string) => readFileSync(path, "utf8").trim();
          const files = [logo, table, script, module, icon].map(read);
          export default () => console.log(JSON.stringify({ styles, files, tree, list, merge, service, text }));`,
        "text.ts":
          'import svg from "./logo.svg" with { type: "text" }; import css from "./page.css" with { type: "text" }; import code from "./code.js" with { type: "text" }; export const text = svg + css + code;',
        "code.js": "class Code {}\n",
        "page.css": ".a { color: red }\n",
        "page.module.css": ".b { color: red }\n",
        "logo.svg": "<svg/>",
        "table.csv": "a,b",
        "start.sh": "echo a",
        "add.wasm": "wasm",
        "tree.xml": "<a>1</a>",
        "list.yaml": "- 1",
        "names.service.ts": 'export const service = "service";',
        "node_modules/icons/package.json": '{ "name": "icons" }',
        "node_modules/icons/icon.ico": "icon",
        "node_modules/lodash.merge/package.json": '{ "name": "lodash.merge", "main": "index.js" }',
        "node_modules/lodash.merge/index.js": "module.exports = 7;",
      });
      const run = await microrun(target, ["./all.ts"], { cwd: place.path });
      expect(JSON.parse(run.stdout)).toEqual({
        styles: {},
        files: ["<svg/>", "a,b", "echo a", "wasm", "icon"],
        tree: { a: "1" },
        list: [1],
        merge: 7,
        service: "service",
        text: "<svg/>.a { color: red }\nclass Code {}\n",
      });
      expect(await build(["./all.ts", "-o", "out"], place.path)).toMatchObject({ code: 0, stderr: "" });
      const built = { name: "built", command: [join(place.path, "out")] };
      expect((await microrun(built, [], { cwd: tmpdir() })).stdout).toBe(run.stdout);
    });

    test("what would not run is not built", async () => {
      using place = project({
        "http.ts": `import { x } from "https://esm.sh/x"; export default { A: { b: () => x } };`,
        "node.ts": `import { x } from "node:nope"; export default { A: { b: () => x } };`,
        "bun.ts": `import { x } from "bun:nope"; export default { A: { b: () => x } };`,
        "npm.ts": `import { x } from "npm:zod@4/mini"; export default { A: { b: () => x } };`,
        "jsr.ts": `import { x } from "jsr:@std/path@1"; export default { A: { b: () => x } };`,
        "data.ts": `import x from "./data.db" with { type: "sqlite" }; export default { A: { b: () => x } };`,
        "data.db": "",
        "page.ts": `import x from "./page.html"; export default { A: { b: () => x } };`,
        "page.html": "<p>",
        "nameless.ts": "export default class { Hello() {} }",
        "missing.ts": `export default { proto: "./missing.proto", handlers: { A: { b: () => 1 } } };`,
        "yaml.ts": `import x from "./secrets.yaml"; export default { A: { b: () => x } };`,
        "secrets.yaml": "a: 1",
        "toml.ts": `import x from "./app-secrets.toml"; export default { A: { b: () => x } };`,
        "app-secrets.toml": "a = 1",
        "require.ts": `const x = require("./credentials"); export default { A: { b: () => x } };`,
        "credentials.json": "{}",
        "ok.ts": handlers,
        "a.proto": 'syntax = "proto3"; message A {}',
        "b.proto": 'syntax = "proto3"; message A {}',
        "a.node": "",
      });
      const cases: readonly (readonly [args: readonly string[], why: string, hint?: string])[] = [
        [["./http.ts"], "http.ts imports https://esm.sh/x, which is not fetched"],
        [["./node.ts"], "node.ts imports node:nope, which this runtime does not have"],
        [["./bun.ts"], "bun.ts imports bun:nope, which this runtime does not have"],
        [["./npm.ts"], "npm:zod@4/mini, which is not fetched", "npm install zod\n"],
        [["./jsr.ts"], "jsr:@std/path@1, which is not fetched", "npx jsr add @std/path\n"],
        [["./data.ts"], "data.ts: no database is embedded, it imports ./data.db"],
        [["./page.ts"], "it imports ./page.html", 'from "./page.html" with { type: "text" }'],
        [["./nameless.ts"], "the class it exports has no name"],
        [["./missing.ts"], "its proto ./missing.proto is missing"],
        [["./yaml.ts"], "the module imports secrets.yaml, which looks like a secret"],
        [["./toml.ts"], "the module imports app-secrets.toml, which looks like a secret"],
        [["./require.ts"], "the module imports credentials.json, which looks like a secret"],
        [["./ok.ts", "--proto=a.proto", "--proto=b.proto"], "A is already defined"],
        [["./ok.ts", "--include=*.node", "--target=windows-x64"], "a.node is a native addon"],
        [["./ok.ts", `--include=${place.path}/*.node`], "not relative to the module's", "write it as *.node"],
      ];
      const before = readdirSync(place.path);
      for (const [args, why, hint = ""] of cases) {
        const { code, stderr } = await build(args, place.path);
        const told = [code, stderr, stderr];
        expect(told, args.join(" ")).toEqual([
          2,
          expect.stringContaining(why),
          expect.stringContaining(hint),
        ]);
      }
      // Bun's own, of a home that is new
      expect(readdirSync(place.path).filter((name) => name !== ".bun")).toEqual(before);
    });

    test("imports that are tried in vain are no fault", async () => {
      using place = project({
        "ok.ts": `let found = "found"; try { require("node:nope"); } catch { found = "none"; } export default () => console.log(found);`,
      });
      expect(await build(["./ok.ts"], place.path)).toMatchObject({ code: 0 });
      const built = { name: "built", command: [join(place.path, "ok")] };
      expect((await microrun(built, [])).stdout).toBe("none\n");
    });

    test("a .proto whose path is put together is found by its end", async () => {
      using place = project({
        "package.json": "{}",
        "proto/a/b/echo.proto":
          'syntax = "proto3"; service Echo { rpc Say (Text) returns (Text); } message Text { string text = 1; }',
        "src/join.ts": `import { join } from "node:path";
          export default { proto: join(import.meta.dirname, "..", "proto", "a/b/echo.proto"), handlers: { Echo: { Say: (text: object) => text } } };`,
        "src/template.ts": `const folder = import.meta.dirname + "/../proto/a/b";
          export default { proto: \`\${folder}/echo.proto\`, handlers: { Echo: { Say: (text: object) => text } } };`,
        "src/lost.ts": `// old.proto is gone\nconst path = (name: string) => name + "/lost.proto"; export default { A: { b: path } };`,
      });
      for (const name of ["join", "template"]) {
        expect(await build([`src/${name}.ts`], place.path)).toMatchObject({ code: 0, stderr: "" });
        expect(await answers(join(place.path, name), "/Echo/Say"), name).toEqual([{ text: "a" }]);
      }
      const { code, stderr } = await build(["src/lost.ts"], place.path);
      expect([code, stderr]).toEqual([
        0,
        "note: lost.ts:2: no file is found for /lost.proto; name it by --include if it is read when the service runs\n",
      ]);
    });

    test("what a package leaves behind is noted, once", async () => {
      using place = project({
        "reads.ts": `import { data } from "reads"; export default () => console.log(data());`,
        "node_modules/reads/package.json": '{ "name": "reads", "main": "index.js" }',
        "node_modules/reads/index.js": `const { readFileSync } = require("fs"); const path = require("path");
          exports.data = () => readFileSync(path.join(__dirname, "data.txt"), "utf8") + require("./more.js");`,
        "node_modules/reads/more.js": `module.exports = () => require("fs").readFileSync(__filename);`,
      });
      const { code, stderr } = await build(["./reads.ts"], place.path);
      expect(code).toBe(0);
      expect(stderr).toMatch(
        /^note: reads: files that it reads beside its own are not bundled \(node_modules\/reads\/\w+\.js:\d\)\n$/,
      );
    });

    test("files are included by globs with braces, dotfiles where they are named, secrets and earlier executables never", async () => {
      using place = project({
        "src/files.ts": `import { readdirSync } from "node:fs";
          export default () => console.log(readdirSync(import.meta.dirname, { recursive: true }).sort().join(" "));`,
        "src/a/1.txt": "1",
        "src/b/2.txt": "2",
        "src/.well-known/3.txt": "3",
        "src/.hidden": "",
        "src/.envrc": "A=1",
        "src/gcp-key.json": "{}",
        "src/addon.node": "",
      });
      const from = join(place.path, "src");
      const [head] = target.command;
      await Bun.write(join(from, "before"), await Bun.file(head!).slice(0, 65_536).bytes());
      truncateSync(join(from, "before"), 2 ** 27);
      const built = { name: "built", command: [join(place.path, "files")] };
      const included = async (...globs: string[]): Promise<{ notes: string; files: string }> => {
        const flags = globs.map((glob) => `--include=${glob}`);
        const { code, stderr: notes } = await build(["src/files.ts", ...flags], place.path);
        expect([code, notes], flags.join(" ")).toEqual([0, notes]);
        return { notes, files: (await microrun(built, [], { cwd: tmpdir() })).stdout };
      };
      const braces = await included("{a,b}/**", ".well-known");
      expect(braces.notes).toBe("");
      for (const name of ["1.txt", "2.txt", "3.txt"]) expect(braces.files).toContain(name);
      const all = await included(".", ".envrc");
      expect(all.notes).toContain("note: addon.node is a native addon");
      expect(all.notes).toContain("note: left out before: it looks like an executable that was built before");
      expect(all.notes).toContain("note: left out gcp-key.json: it looks like a secret");
      expect(all.notes).toContain("note: left out .envrc: it looks like a secret");
      expect(all.files).toContain("1.txt");
      expect(all.files).not.toMatch(/before|gcp|env|hidden|3\.txt/);
    });

    test.skipIf(process.platform === "win32")("what is no file is not replaced", async () => {
      using place = project({ "greeter.ts": handlers });
      expect(Bun.spawnSync(["mkfifo", join(place.path, "pipe")]).exitCode).toBe(0);
      const { code, stderr } = await build(["./greeter.ts", "-o", "pipe"], place.path);
      expect([code, stderr]).toEqual([
        2,
        expect.stringContaining("cannot write pipe: it is a device, a pipe or a socket"),
      ]);
      expect(statSync(join(place.path, "pipe")).isFIFO()).toBe(true);
    });

    test("without NODE_ENV an executable is one in development, as a module is", async () => {
      using place = project({
        "env.ts":
          "delete process.env.OTHER; export default () => console.log(String(process.env.NODE_ENV), __dirname === import.meta.dirname);",
      });
      expect(await build(["./env.ts", "--minify"], place.path)).toMatchObject({ code: 0 });
      const built = { name: "built", command: [join(place.path, "env")] };
      expect((await microrun(built, [], { env: { NODE_ENV: "" } })).stdout).toBe(" true\n");
      expect((await microrun(built, [], { env: { NODE_ENV: "test" } })).stdout).toBe("test true\n");
      const unset = { name: "unset", command: ["env", "-u", "NODE_ENV", join(place.path, "env")] };
      expect((await microrun(unset, [])).stdout).toBe("development true\n");
    });
  });
}
