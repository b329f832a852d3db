/** Loading a user's module, from source, compiled and on Deno: all forms, all extensions, all imports, all ways to fail. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const fixtures = join(import.meta.dir, "fixtures");
const driver = join(fixtures, "load-driver.ts");
const temp = mkdtempSync(join(tmpdir(), "microrun-load-"));
const modules = join(temp, "modules");
const foreign = join(temp, "foreign");
const binary = join(temp, "load-driver");
const compileFlags =
  "--compile --minify --bytecode --format=esm --sourcemap --no-compile-autoload-dotenv --no-compile-autoload-bunfig --compile-autoload-package-json --compile-autoload-tsconfig";

const hosts: readonly {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Record<string, string>;
}[] = [
  { name: "source", command: [process.execPath, "--no-install", driver], env: {} },
  { name: "binary", command: [binary], env: { PATH: "" } },
  {
    name: "deno",
    command: [join(root, "node_modules/.bin/deno"), "run", "-A", "--quiet", driver],
    env: process.env as Record<string, string>,
  },
];

// biome-ignore lint/suspicious/noExplicitAny: the driver's JSON
type Outcome = any;

/** Where a host lacks something there is nothing to test. */
const testIf = (holds: boolean): typeof test => (holds ? test : ((() => {}) as never));

beforeAll(async () => {
  cpSync(join(fixtures, "modules"), modules, { recursive: true });
  cpSync(join(fixtures, "packages"), join(modules, "node_modules"), { recursive: true });
  symlinkSync(join(root, "node_modules/hono"), join(modules, "node_modules/hono"));
  mkdirSync(foreign);
  mkdirSync(join(modules, "sp ace ü"));
  copyFileSync(join(modules, "forms/schema.ts"), join(modules, "sp ace ü/#1 100%.ts"));
  symlinkSync("schema.ts", join(modules, "forms/link.ts"));
  const build = Bun.spawn(
    [process.execPath, "build", ...compileFlags.split(" "), driver, "--outfile", binary],
    { stdout: "ignore", stderr: "pipe" },
  );
  if ((await build.exited) !== 0) throw new Error(await new Response(build.stderr).text());
}, 60_000);

afterAll(() => rmSync(temp, { recursive: true, force: true }));

describe.each(hosts)("$name", ({ name, command, env }) => {
  const deno = name === "deno";

  /** The outcomes, one for each module; `cwd` is a folder without anything of ours, unless named. */
  async function load(
    paths: readonly string[],
    { cwd = foreign, more = {}, stderr = "" } = {},
  ): Promise<Outcome[]> {
    const child = Bun.spawn([...command, ...paths], {
      cwd,
      env: { ...env, ...more },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    expect(err).toBe(stderr);
    return out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  }
  const one = async (path: string): Promise<Outcome> => (await load([join(modules, path)]))[0];

  test("every form gives its handlers, with the right this", async () => {
    const names = [
      "object",
      "class",
      "instances",
      "instance",
      "defined",
      "plain-definition",
      "service-called-handlers",
    ];
    const [object, klass, instances, instance, defined, plain, called] = await load(
      names.map((form) => join(modules, `forms/${form}.ts`)),
    );
    expect(object.replies).toEqual({
      "Greeter.Hello": { greeting: "Hello Ada!" },
      "Greeter.Stream": { streamed: [{ greeting: "Ada" }] },
      "Greeter.Twice": ["Ada", "Ada"],
      "other.v1.Other.Ping": "pong",
    });
    expect(klass.replies).toEqual({
      "Greeter.Hello": { greeting: "Hello Ada! 1" },
      "Greeter.Arrow": 1,
      "Greeter.Inherited": "inherited",
    });
    expect(instances.replies).toEqual({ "Greeter.Hello": { greeting: "Hi Ada!" }, "Clock.Now": 7 });
    expect(instance.replies).toEqual({ "Greeter.Hello": { greeting: "Hey Ada!" } });
    expect(defined.fields).toEqual({
      name: "defined",
      version: "v2",
      metadata: { zone: "a" },
      handlers: { handlers: { Hello: "ƒ" }, Clock: { Now: "ƒ" } },
      fetch: "ƒ",
      subscribe: { "user.created": "ƒ" },
      health: { database: "ƒ" },
      start: "ƒ",
      stop: "ƒ",
    });
    expect(defined.replies).toEqual({ "handlers.Hello": "hello", "Clock.Now": 7 });
    expect(plain.fields).toEqual({ name: "plain", handlers: { Greeter: { Hello: "ƒ" } } });
    expect(called.replies).toEqual({ "handlers.Hello": "hello", "name.First": "first" });
  });

  test("web apps answer unchanged, a job is a function, and named exports give fields", async () => {
    const names = ["web", "hono", "named", "mixed", "job"];
    const [web, hono, named, mixed, job] = await load(names.map((form) => join(modules, `forms/${form}.ts`)));
    expect([web.web, hono.web, named.web, mixed.web]).toEqual([
      "web /hello/ada",
      "hono ada",
      "named GET",
      "mixed",
    ]);
    expect(web.ignored).toEqual(["port", "prefix"]);
    expect(named.fields).toEqual({ name: "named", version: "v3", fetch: "ƒ" });
    expect(mixed.fields).toEqual({
      name: "mixed",
      fetch: "ƒ",
      subscribe: { "user.created": "ƒ" },
      health: "ƒ",
      handlers: { Greeter: { Hello: "ƒ" } },
    });
    expect(job.fields).toEqual({ job: "ƒ" });
  });

  test("every extension loads", async () => {
    const extensions = deno
      ? ["ts", "mts", "js", "mjs", "cjs"]
      : ["ts", "mts", "cts", "js", "mjs", "cjs", "tsx", "jsx"];
    const outcomes = await load(
      extensions.map((extension) => join(modules, `extensions/module.${extension}`)),
    );
    const said = outcomes.map(({ replies, message }) => replies?.["Greeter.Hello"] ?? message);
    expect(said).toEqual(
      extensions.map((extension) => (extension.endsWith("x") ? `<b>${extension}</b>` : extension)),
    );
  });

  test("CommonJS loads, a compiler's too, and modern TypeScript in such a package", async () => {
    const files = ["commonjs/exports.js", "commonjs/compiled.js", "commonjs/modern.ts"].slice(
      0,
      deno ? 2 : 3,
    );
    const outcomes = await load(files.map((file) => join(modules, file)));
    expect(outcomes.map(({ replies }) => replies?.["Greeter.Hello"])).toEqual(
      ["commonjs", "compiled", "modern"].slice(0, files.length),
    );
    expect(outcomes[1].fields.name).toBe("compiled");
  });

  testIf(!deno)(
    "imports of files, packages, paths and microrun resolve, whatever the current folder",
    async () => {
      const { replies, proto } = await one("imports/everything.ts");
      expect(replies["Imports.All"]).toEqual({
        again: "relative",
        aliased: 3,
        awaited: "text",
        json: { json: 1 },
        later: 4,
        package: "Hello from a package",
        protoText: 'syntax = "proto3";\n',
        sum: 5,
        text: "text",
        toml: { toml: 3 },
        yaml: { yaml: 2 },
      });
      expect(replies["Imports.Refuse"]).toBe("MicrorunError not_found");
      expect(replies["Imports.Same"]).toBe(true);
      expect(proto).toEqual([join(modules, "imports/lib/other.proto")]);
    },
  );

  test("microrun and .proto files are importable", async () => {
    const { replies, proto } = await one("imports/portable.ts");
    expect(replies).toEqual({
      "Imports.Refuse": "MicrorunError not_found",
      "Imports.Text": 'syntax = "proto3";\n',
    });
    expect(proto).toEqual([join(modules, "imports/lib/other.proto")]);
  });

  testIf(!deno)(
    "legacy decorators follow the module's tsconfig.json, and traces keep their lines",
    async () => {
      const { replies } = await one("decorators/legacy.ts");
      expect(replies["Greeter.Hello"]).toEqual([
        "types Number",
        "parameter Hello 0",
        "method Hello function",
        "class Greeter",
      ]);
      expect(replies["Greeter.Where"]).toBe("legacy.ts:11");
    },
  );

  testIf(!deno)("JSX follows the module's tsconfig.json, and one that it extends", async () => {
    const outcomes = await load(["jsx/page.tsx", "jsx/page.jsx"].map((file) => join(modules, file)));
    expect(outcomes.map(({ replies }) => replies?.["Page.Show"])).toEqual(["<b>tsx</b>", "<b>jsx</b>"]);
  });

  test("standard decorators work", async () => {
    expect((await one("forms/decorated.ts")).replies["Greeter.Hello"]).toEqual(["method Hello"]);
  });

  test("paths with spaces, unicode and links load, and find the .proto beside the file", async () => {
    const [odd, link, schema] = await load(
      ["sp ace ü/#1 100%.ts", "forms/link.ts", "forms/schema.ts"].map((file) => join(modules, file)),
    );
    expect(odd.replies).toEqual({ "Greeter.Hello": "hello" });
    expect(link.file).toBe(join(modules, "forms/link.ts"));
    expect(link.proto).toEqual([join(modules, "forms/schema.proto")]);
    expect(schema.proto).toEqual(link.proto);
  });

  test("every way to fail has its own message", async () => {
    const cases = wrong.filter(({ path }) => !(deno && bunOnly.has(path)));
    const outcomes = await load(
      cases.map(({ path }) => path),
      { cwd: join(modules, "bad") },
    );
    const expected = cases.map(({ path, message, ...rest }) => ({
      code: threw.has(path) ? "failed_precondition" : "invalid_argument",
      message: `cannot load ${path}: ${message}`,
      ...rest,
    }));
    expect(outcomes).toEqual(expected);
  });

  testIf(deno)("Deno's own errors are told in the same form", async () => {
    const outcomes = await load([...bunOnly], { cwd: join(modules, "bad") });
    expect(outcomes.map(({ message }) => message)).toEqual([
      "cannot load syntax.ts: syntax.ts:2:27: Expression expected",
      "cannot load imports-syntax.ts: syntax.ts:2:27: Expression expected",
      "cannot load unresolved.ts: unresolved.ts imports folder/nmae.ts, which does not exist",
      "cannot load no-package.ts: no-package.ts imports not-there, which does not exist",
      "cannot load no-export.ts: no-export.ts:1:10: The requested module './folder/name.ts' does not provide an export named 'nothing'",
      "cannot load imports-json.ts: folder/broken.json: Unexpected end of JSON input",
    ]);
  });

  test("microrun is importable where no node_modules exists", async () => {
    copyFileSync(join(modules, "forms/defined.ts"), join(foreign, "defined.ts"));
    expect((await load(["./defined.ts"]))[0].fields.name).toBe("defined");
  });

  test("a file that may not be read is said to be so", async () => {
    const folder = join(temp, "unreadable");
    mkdirSync(folder, { recursive: true });
    symlinkSync("circle.ts", join(folder, `circle.ts`), "file");
    const outcome = (await load(["./circle.ts"], { cwd: folder }))[0];
    expect([outcome.message, outcome.code]).toEqual([
      "cannot load ./circle.ts: its symbolic links go in a circle",
      "invalid_argument",
    ]);
    rmSync(folder, { recursive: true });
  });

  testIf(name === "binary")(
    ".env, a hostile bunfig.toml and a tsconfig.json of the current folder have no say",
    async () => {
      const cwd = join(temp, "hostile");
      mkdirSync(cwd);
      writeFileSync(join(cwd, ".env"), "MICRO_SERVER_NAME=hostile\n");
      writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
      writeFileSync(join(cwd, "preload.ts"), 'console.error("hostile"); process.exit(66);\n');
      writeFileSync(
        join(cwd, "env.ts"),
        "export default { Env: { Name: () => process.env.MICRO_SERVER_NAME ?? null } };\n",
      );
      writeFileSync(join(cwd, "evil.ts"), "export const sum = () => 666;\n");
      const paths = { "~sum": ["./evil.ts"], "@lib/sum": ["./evil.ts"], microrun: ["./evil.ts"] };
      writeFileSync(join(cwd, "tsconfig.json"), JSON.stringify({ compilerOptions: { paths } }));
      const [mine] = await load([join(modules, "imports/everything.ts")], { cwd });
      expect(mine.replies).toMatchObject({ "Imports.All": { aliased: 3, sum: 5 }, "Imports.Same": true });
      expect((await load(["./env.ts"], { cwd }))[0].replies).toEqual({ "Env.Name": null });
    },
  );
});

const shape = "export default { Greeter: { Hello: (request) => ({ … }) } }";
const object = `export an object of services:  ${shape}`;

/** What each bad module is told; `cause` is what it threw itself. */
const wrong: readonly { path: string; message: string; hint?: string; cause?: string }[] = [
  {
    path: "./greter.ts",
    message: "no such file, did you mean greeter.ts?",
    hint: "run microrun ./greeter.ts",
  },
  { path: "./greeter", message: "no such file, did you mean greeter.ts?", hint: "run microrun ./greeter.ts" },
  { path: "nowhere/x.ts", message: "no such file", hint: "give the path of a module" },
  { path: "folder", message: "it is a folder", hint: "give a module in it: ./folder/name.ts" },
  { path: "/dev/null", message: "it is not a file", hint: "give the path of a module" },
  {
    path: "notes.txt",
    message: ".txt is not a module's",
    hint: "give a file that ends in .ts .tsx .mts .cts .js .jsx .mjs .cjs",
  },
  { path: "syntax.ts", message: "syntax.ts:2:27: Unexpected ;", hint: "correct syntax.ts" },
  { path: "imports-syntax.ts", message: "syntax.ts:2:27: Unexpected ;", hint: "correct syntax.ts" },
  {
    path: "unresolved.ts",
    message: "unresolved.ts imports ./folder/nmae.ts, which does not exist, did you mean name.ts?",
    hint: "correct the import, or create folder/nmae.ts",
  },
  {
    path: "no-package.ts",
    message: "no-package.ts imports not-there, which is not installed",
    hint: "install it:  npm install not-there",
  },
  {
    path: "no-export.ts",
    message: "no-export.ts: Export named 'nothing' not found in module folder/name.ts.",
    hint: "export it there, or import what is there",
  },
  {
    path: "imports-json.ts",
    message: "folder/broken.json: JSON Parse error: Unexpected EOF",
    hint: "correct folder/broken.json",
  },
  {
    path: "throws.ts",
    message: "it threw while it was imported: no database (throws.ts:2)",
    cause: "no database",
  },
  { path: "throws-text.ts", message: "it threw while it was imported: just text", cause: "just text" },
  { path: "constructor.ts", message: "making its service failed: Error: no database", cause: "no database" },
  { path: "no-default.ts", message: "it has no default export", hint: object },
  { path: "number.ts", message: "its default export is a number", hint: object },
  { path: "string.ts", message: "its default export is a string", hint: object },
  {
    path: "promise.ts",
    message: "its default export is a promise",
    hint: "await it:  export default await …",
  },
  { path: "empty.ts", message: "it exports an empty object", hint: `put a service in it:  ${shape}` },
  { path: "empty-array.ts", message: "it exports an empty array", hint: "put an instance of a class in it" },
  {
    path: "leaf.ts",
    message: "Greeter.Hello is a string, not a function",
    hint: "make it a function, or rename it to _Hello",
  },
  {
    path: "not-a-service.ts",
    message: "Greeter is a number, not an object of methods",
    hint: `write it so:  ${shape}`,
  },
  {
    path: "no-service.ts",
    message: "Hello is a function, not an object of methods",
    hint: "put it in a service:  export default { Greeter: { Hello } }",
  },
  { path: "no-methods.ts", message: "Greeter has no methods", hint: `give it one:  ${shape}` },
  { path: "service-name.ts", message: 'service "my greeter": not a name', hint: "use letters, digits and _" },
  {
    path: "method-name.ts",
    message: 'method Greeter."say hello": not a name',
    hint: "use letters, digits and _",
  },
  {
    path: "anonymous.ts",
    message: "the class it exports has no name",
    hint: "name it: the service is called so",
  },
  { path: "duplicate.ts", message: "it exports two classes named Greeter", hint: "rename one of them" },
  {
    path: "twice.ts",
    message: "name is exported by name and in the default export",
    hint: "remove one of them",
  },
  { path: "field.ts", message: 'start is "now", not a function', hint: "make start a function" },
  {
    path: "metadata.ts",
    message: "metadata.port is a number, not a text",
    hint: "make metadata.port a text",
  },
  {
    path: "stranger.ts",
    message: "Greeter is not a field of a service",
    hint: "put services under handlers:  { handlers: { Greeter: … } }",
  },
  {
    path: "no-proto.ts",
    message: "its proto ./greter.proto is missing, did you mean greeter.proto?",
    hint: "create greter.proto, or name one that is there",
  },
];

/** Their own code failed: exit 1. What is told without running it is asked wrongly: exit 2. */
const threw = new Set(["throws.ts", "throws-text.ts", "constructor.ts"]);
/** Deno words these in its own way. */
const bunOnly = new Set([
  "syntax.ts",
  "imports-syntax.ts",
  "unresolved.ts",
  "no-package.ts",
  "no-export.ts",
  "imports-json.ts",
]);
