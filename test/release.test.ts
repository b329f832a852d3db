/** What is released, used as people would: npm alone on the PATH, the packed tarballs, Deno for JSR. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { folder, type Outcome, serve, type Target } from "./harness.ts";

const root = join(import.meta.dir, "..");
const { version } = manifest;
const musl = existsSync(`/lib/ld-musl-${process.arch === "x64" ? "x86_64" : "aarch64"}.so.1`) ? "-musl" : "";
const platform = `${process.platform}-${process.arch}${musl}`;
const obstacle =
  process.platform === "win32" ? "it needs a shell" : Bun.which("npm") ? undefined : "there is no npm";
if (obstacle !== undefined && process.env.CI === "true") throw new Error(`cannot test releases: ${obstacle}`);
if (obstacle !== undefined) console.warn(`skipped: tests of releases, as ${obstacle}`);

/** Compressing takes most of it. */
const releaseTimeoutMs = 300_000;

const decoder = new TextDecoder();
const module = `export default { Greeter: {
  Hello: ({ name }: { name: string }) => ({ greeting: \`Hello \${name}!\` }),
  Stop: () => void process.kill(process.pid, "SIGTERM"),
} };`;

/** `node_modules` and what is released, beside a module. */
using made = folder();
const released = join(made.path, "released");
const project = join(made.path, "project");
/** All that is on the PATH. */
const tools = join(made.path, "bin");
const env = { PATH: tools, HOME: made.path, npm_config_offline: "true", npm_config_update_notifier: "false" };

async function run(
  command: readonly string[],
  cwd: string,
  extra: Record<string, string> = env,
): Promise<Outcome> {
  const child = Bun.spawn([...command], {
    cwd,
    env: extra,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: releaseTimeoutMs,
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

/** The links of a README that are not there beside it. */
function leadingNowhere(folder: string): string[] {
  const links = [...readFileSync(join(folder, "README.md"), "utf8").matchAll(/\]\(([^)#:]+)\)/g)];
  expect(links.length).toBeGreaterThan(5);
  return links.map(([, path]) => path!).filter((path) => !existsSync(join(folder, path)));
}

const tool = (name: string): string => join(tools, name);
/** What npm links into `node_modules/.bin`, by its own name. */
const launcher: Target = { name: "launcher", command: [join(project, "node_modules/.bin/microrun")] };
const asNpmHas = { cwd: project, env };

describe.skipIf(obstacle !== undefined)("a release", () => {
  beforeAll(async () => {
    const release = [
      process.execPath,
      join(root, "scripts/release.ts"),
      `--targets=${platform}`,
      `--out=${released}`,
    ];
    const { code, stderr } = await run(release, root, process.env as Record<string, string>);
    if (code !== 0) throw new Error(`the release failed:\n${stderr}`);
    for (const path of [tools, project]) mkdirSync(path, { recursive: true });
    for (const name of ["node", "npm", "npx", "sh"]) symlinkSync(realpathSync(Bun.which(name)!), tool(name));
    await Bun.write(join(project, "greeter.ts"), module);
    await Bun.write(join(project, "package.json"), '{ "private": true, "type": "module" }\n');
    const tarballs = ["microrun", `microrun-${platform}`].map((stem) =>
      join(released, `npm/${stem}-${version}.tgz`),
    );
    const installed = await run([tool("npm"), "install", "--no-audit", "--no-fund", ...tarballs], project);
    if (installed.code !== 0) throw new Error(`npm install failed:\n${installed.stderr}`);
  }, releaseTimeoutMs);

  afterAll(() => made[Symbol.dispose]());

  test("tells the checksum of each file that it has", async () => {
    const lines = readFileSync(join(released, "SHA256SUMS"), "utf8").trimEnd().split("\n");
    const files = lines.map((line) => line.split("  ") as [string, string]);
    expect(files.map(([, path]) => path)).toEqual([
      `microrun-${version}-${platform}.tar.gz`,
      `npm/microrun-${platform}-${version}.tgz`,
      `npm/microrun-${version}.tgz`,
      `microrun-${version}.cdx.json`,
    ]);
    for (const [sum, path] of files) {
      expect(
        createHash("sha256")
          .update(readFileSync(join(released, path)))
          .digest("hex"),
      ).toBe(sum);
    }
  });

  test("has an archive with the executable, which runs", async () => {
    const stem = `microrun-${version}-${platform}`;
    const unpack = ["tar", "-xzf", join(released, `${stem}.tar.gz`), "-C", made.path];
    expect(await run(unpack, made.path, process.env as Record<string, string>)).toMatchObject({ code: 0 });
    const asked = await run([join(made.path, stem, "microrun"), "--version"], made.path);
    expect(asked).toMatchObject({ code: 0, stdout: expect.stringContaining(`microrun ${version}`) });
    expect(leadingNowhere(join(made.path, stem))).toEqual([]);
  });

  test("bears its licence wherever it is unpacked, and what README leads to", async () => {
    const installed = join(project, "node_modules");
    for (const folder of ["microrun", `@microrun/${platform}`])
      expect(readFileSync(join(installed, folder, "LICENSE"), "utf8")).toStartWith("MIT License");
    expect(readFileSync(join(released, "jsr/LICENSE"), "utf8")).toStartWith("MIT License");
    for (const folder of [join(installed, "microrun"), join(released, "jsr")])
      expect(leadingNowhere(folder)).toEqual([]);
  });

  test("tells nothing of the folder that it was made in", () => {
    const installed = join(project, "node_modules");
    for (const file of [`@microrun/${platform}/bin/microrun`, "microrun/microrun.js"])
      for (const place of [root, released])
        expect(readFileSync(join(installed, file)).includes(place), `${file}: ${place}`).toBe(false);
  });

  test("serves a module by npx, with npm alone on the PATH", async () => {
    const npx: Target = { name: "npx", command: [tool("npx"), "microrun"] };
    await using running = await serve(npx, ["./greeter.ts", "--selector=static"], asNpmHas);
    const call = (method: string): Promise<Response> =>
      fetch(`http://${running.address()}/Greeter/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"name":"John"}',
      });
    const reply = await call("Hello");
    expect(await reply.json()).toEqual({ greeting: "Hello John!" });
    await call("Stop"); // the shell that npx starts would not pass on a signal
    expect(await running.exited).toBe(0);
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "drains on %s, and ends as the executable does",
    async (signal) => {
      await using running = await serve(launcher, ["./greeter.ts", "--selector=static"], asNpmHas);
      running.signal(signal);
      expect(await running.exited).toBe(0);
      expect(running.log()).toContain(`stopping: ${signal}`);
      expect(running.log()).not.toContain("again");
    },
  );

  test("drains on one Ctrl-C at a terminal, which tells both processes", async () => {
    let shown = "";
    let pressed = false;
    const args = ["./greeter.ts", "--server_address=127.0.0.1:0", "--selector=static"];
    const child = Bun.spawn([...launcher.command, ...args], {
      ...asNpmHas,
      terminal: {
        data: (terminal, chunk) => {
          shown += decoder.decode(chunk);
          if (pressed || !shown.includes("is ready")) return;
          pressed = true;
          terminal.write("\x03");
        },
      },
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
    const code = await child.exited;
    clearTimeout(timer);
    expect({ code, shown }).toEqual({ code: 0, shown: expect.not.stringContaining("again") });
  });

  test("passes on the exit code and the output of the executable", async () => {
    const [wrong, right] = await Promise.all(
      [["--no_such_flag"], ["--version"]].map((args) => run([...launcher.command, ...args], project)),
    );
    expect(wrong).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("no_such_flag") });
    expect(right).toMatchObject({ code: 0, stdout: expect.stringContaining(version) });
  });

  test("makes an executable of a module, as its own executables hold what that takes", async () => {
    const built = await run([...launcher.command, "build", "./greeter.ts", "-o", "greeter"], project);
    expect(built).toMatchObject({ code: 0 });
    expect(await run([join(project, "greeter"), "--version"], project)).toMatchObject({ code: 0 });
  });

  test("says what to do where the package of the platform is missing", async () => {
    const installed = join(project, "node_modules/@microrun");
    renameSync(installed, `${installed}-away`);
    try {
      const { code, stderr } = await run([...launcher.command, "--version"], project);
      expect(code).toBe(1);
      expect(stderr).toStartWith(
        `error: cannot run microrun: @microrun/${platform} is not installed\n  hint: install`,
      );
    } finally {
      renameSync(`${installed}-away`, installed);
    }
  });

  test("is typed for tsc, which refuses what is wrong", async () => {
    await Bun.write(
      join(project, "typed.ts"),
      `import { connect, MicrorunError, service } from "microrun";
      export default service({
        name: "greeter",
        handlers: { Greeter: { Hello: ({ name }: { name: string }) => ({ greeting: name }) } },
        health: { database: () => { throw new MicrorunError("unavailable", "gone"); } },
      });
      export const client = await connect();
      // @ts-expect-error a name is a text
      service({ name: 7 });
      // @ts-expect-error no such code
      throw new MicrorunError("no_such_code", "x");`,
    );
    const compilerOptions = { noEmit: true, strict: true, target: "esnext", module: "nodenext", types: [] };
    const settings = { compilerOptions, files: ["typed.ts"] };
    await Bun.write(join(project, "tsconfig.json"), JSON.stringify(settings));
    const checked = await run([tool("node"), join(root, "node_modules/typescript/bin/tsc")], project);
    expect(checked).toMatchObject({ code: 0, stdout: "" });
  });

  test("gives a module's own tests what they import, but no run", async () => {
    await Bun.write(
      join(project, "own-test.mjs"),
      `import { connect, MicrorunError, service } from "microrun";
      console.log(service({ name: "greeter" }).name, new MicrorunError("not_found", "no user 7").code);
      await connect().catch(({ message, hint }) => console.log(message + " / " + hint));`,
    );
    const { stdout } = await run([tool("node"), "own-test.mjs"], project);
    expect(stdout).toBe(
      "greeter not_found\nconnect: this is not run by microrun / run the script by microrun: npx microrun FILE\n",
    );
  });

  test("lists every dependency in its bill of materials, each by a reference that is there", () => {
    const bill = JSON.parse(readFileSync(join(released, `microrun-${version}.cdx.json`), "utf8"));
    const refs: string[] = bill.components.map((component: { "bom-ref": string }) => component["bom-ref"]);
    for (const [name, pinned] of Object.entries(manifest.dependencies)) {
      expect(refs).toContain(`pkg:npm/${name.replace("@", "%40")}@${pinned}`);
    }
    for (const name of Object.keys(manifest.devDependencies)) {
      expect(refs.some((ref) => ref.startsWith(`pkg:npm/${name.replace("@", "%40")}@`))).toBe(false);
    }
    expect(new Set(refs).size).toBe(refs.length);
    const named: string[] = bill.dependencies.flatMap((one: { dependsOn: string[] }) => one.dependsOn);
    expect(named.filter((ref) => !refs.includes(ref))).toEqual([]);
  });

  test("has a package that JSR would take", async () => {
    const deno = join(root, "node_modules/.bin/deno");
    const dry = [deno, "publish", "--dry-run", "--allow-dirty"];
    const { code, stderr } = await run(dry, join(released, "jsr"), process.env as Record<string, string>);
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining("Dry run complete") });
  });
});

test("a release is refused for an unknown target, before anything is made", async () => {
  const release = [
    process.execPath,
    join(root, "scripts/release.ts"),
    "--targets=linux-x65",
    `--out=${released}-not`,
  ];
  const { code, stderr } = await run(release, root, process.env as Record<string, string>);
  expect({ code, stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("did you mean linux-x64?"),
  });
  expect(stderr).toContain("--targets: linux-x65");
  expect(existsSync(`${released}-not`)).toBe(false);
});

test("a release says how it is asked for, and refuses a folder of something else", async () => {
  using other = folder({ "notes.txt": "mine" });
  const release = (flag: string): Promise<Outcome> =>
    run(
      [process.execPath, join(root, "scripts/release.ts"), flag],
      root,
      process.env as Record<string, string>,
    );
  expect(await release("--help")).toMatchObject({ code: 0, stdout: expect.stringContaining("--targets") });
  const { code, stderr } = await release(`--out=${other.path}`);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("it holds notes.txt") });
  expect(readFileSync(join(other.path, "notes.txt"), "utf8")).toBe("mine");
});
