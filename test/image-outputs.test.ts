/** `microrun image`: where it ends, what it may not overwrite, and what is told of an image that is pushed when something fails. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod, cp, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { greeter, microrun, type Outcome, type RunOptions, type Target, targets } from "./harness.ts";
import { noRoot } from "./image-root.ts";
import { type OciRegistry, registryBinaries, startRegistry } from "./oci-registry.ts";

const isLinux = process.platform === "linux";
const binaries = await registryBinaries();
const folder = await realpath(await mkdtemp(join(tmpdir(), "microrun-outputs-test-")));
let registry: OciRegistry;
beforeAll(async () => {
  if (binaries !== undefined) registry = await startRegistry(binaries.registry);
});
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const cacheHome = join(folder, "cache");
/** No proxy and no registry is there: what fetches fails. */
const offline = { npm_config_registry: "http://127.0.0.1:1/", HTTPS_PROXY: "http://127.0.0.1:1" };
const env = { XDG_CACHE_HOME: cacheHome, ...offline };

function image(target: Target, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return microrun(target, ["image", ...args, "--base=scratch"], {
    ...options,
    env: { ...env, ...options.env },
  });
}

async function project(): Promise<string> {
  const path = await mkdtemp(join(folder, "project-"));
  await cp(dirname(greeter), path, { recursive: true });
  return join(path, "greeter.ts");
}

for (const target of targets) {
  describe.skipIf(!isLinux)(`microrun image, ${target.name}`, () => {
    test("nothing is fetched for the platform that it runs on, not even the first time", async () => {
      const own = { XDG_CACHE_HOME: join(folder, `first-${target.name}`) };
      const made = await image(target, [await project(), "-o", join(folder, "first.tar")], { env: own });
      expect(made).toMatchObject({ code: 0 });
    }, 60_000);

    test("what it is made of, a pipe and stdout are not overwritten", async () => {
      const module = await project();
      const proto = join(dirname(module), "greeter.proto");
      const pipe = join(dirname(module), "pipe");
      const before = [await readFile(module, "utf8"), await readFile(proto, "utf8")];
      expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
      const cases: [args: string[], path: string, why: string][] = [
        [["-o", module], module, "it is one of the files that it is made of"],
        [["-o", proto], proto, "it is one of the files that it is made of"],
        [["-o", "x.tar", "--digest-file", module], module, "it is one of the files that it is made of"],
        [["-o", "x.tar", "--digest-file", pipe], pipe, "it is a device, a pipe or a socket"],
        [["-o", pipe], pipe, "it is a device, a pipe or a socket"],
        [["-o", "-"], "-", "it is written to a file, not to stdout"],
      ];
      for (const [args, path, why] of cases) {
        const { code, stdout, stderr } = await image(target, [module, ...args], { cwd: dirname(module) });
        expect(stderr, args.join(" ")).toContain(`error: cannot write ${path}: ${why}\n  hint: `);
        expect([code, stdout]).toEqual([2, ""]);
      }
      expect([await readFile(module, "utf8"), await readFile(proto, "utf8")]).toEqual(before);
      expect(Bun.spawnSync(["test", "-p", pipe]).exitCode).toBe(0);
      expect(await readdir(dirname(module))).not.toContain("x.tar");
      const packed = await image(target, [module, "-o", "x.tar.gz"]);
      expect(packed.stderr).toContain("-o x.tar.gz: the archive is not compressed");
      expect(packed.code).toBe(2);
    }, 120_000);

    test("a symbolic link stays one, and leads to the archive", async () => {
      const path = await mkdtemp(join(folder, "link-"));
      await writeFile(join(path, "real.tar"), "old");
      await symlink("real.tar", join(path, "link.tar"));
      const made = await image(target, [await project(), "-o", join(path, "link.tar")]);
      expect(made.code).toBe(0);
      expect(await realpath(join(path, "link.tar"))).toBe(join(path, "real.tar"));
      expect(Bun.file(join(path, "real.tar")).size).toBeGreaterThan(1e6);
    }, 60_000);

    test("a layer that was damaged in the cache is made anew", async () => {
      const module = await project();
      const own = { XDG_CACHE_HOME: join(folder, `damaged-${target.name}`) };
      const layers = join(own.XDG_CACHE_HOME, "microrun/layers");
      const [one, two] = [join(dirname(module), "one.tar"), join(dirname(module), "two.tar")];
      expect(await image(target, [module, "-o", one], { env: own })).toMatchObject({ code: 0 });
      const kept = (await readdir(layers)).filter((name) => name.endsWith(".tar.gzip"));
      expect(kept).not.toEqual([]);
      for (const name of kept)
        await writeFile(join(layers, name), new Uint8Array(Bun.file(join(layers, name)).size));
      expect(await image(target, [module, "-o", two], { env: own })).toMatchObject({ code: 0 });
      expect(await Bun.file(two).bytes()).toEqual(await Bun.file(one).bytes());
    }, 60_000);

    test("a cache that cannot be written is done without", async () => {
      const file = join(folder, `file-${target.name}`);
      await writeFile(file, "");
      const temporary = await mkdtemp(join(folder, "tmp-"));
      const made = await image(target, [await project(), "-o", join(folder, "uncached.tar")], {
        env: { XDG_CACHE_HOME: file, TMPDIR: temporary },
      });
      expect(made.stderr).toContain("note: nothing is kept for the next time");
      expect(made.stderr).toContain("XDG_CACHE_HOME");
      expect(made.code).toBe(0);
      expect(await readdir(temporary)).toEqual([]);
    }, 60_000);

    test("a user without a name and without a home gets an image", async () => {
      if (noRoot()) return;
      const module = await project();
      const out = dirname(module);
      await chmod(folder, 0o755);
      await chmod(out, 0o777);
      const nobody: Target = {
        name: "nobody",
        command: [
          "setpriv",
          "--reuid=12345",
          "--regid=12345",
          "--clear-groups",
          "env",
          "-i",
          `PATH=${process.env.PATH}`,
          ...target.command,
        ],
      };
      const made = await microrun(nobody, ["image", module, "--base=scratch", "-o", join(out, "x.tar")]);
      expect(made.stderr).toContain("this user has no home folder");
      expect(made.code).toBe(0);
    }, 60_000);

    test("what cannot be told of a push is told before it", async () => {
      if (binaries === undefined) return;
      const module = await project();
      const name = `${registry.host}/told-${target.name}`;
      const cases: [args: string[], said: string, code: number][] = [
        [["--digest-file", join(folder, "none/x")], `cannot write ${join(folder, "none/x")}`, 1],
        [["--sign=no-such-signer --yes"], "--sign: no-such-signer: no such command", 2],
        [["--sign='no"], "a quote is not closed", 2],
      ];
      for (const [args, said, code] of cases) {
        const made = await image(target, [module, "-t", `${name}:1`, ...args]);
        expect(made.stderr).toContain(said);
        expect(made.stderr).not.toContain("pushed");
        expect(made).toMatchObject({ code, stdout: "" });
      }
    }, 60_000);

    test("an image that is pushed is told, though the next registry cannot be reached", async () => {
      if (binaries === undefined) return;
      const name = `${registry.host}/first-${target.name}`;
      const made = await image(target, [await project(), "-t", `${name}:1`, "-t", "127.0.0.1:1/none:1"]);
      expect(made.stderr).toContain(`pushed to ${name}: `);
      expect(made.stderr).toContain("cannot reach 127.0.0.1:1");
      expect(made.stdout).toMatch(new RegExp(`^${name}@sha256:[0-9a-f]{64}\n$`));
      expect(made.code).toBe(1);
    }, 60_000);

    test("a second repository of a registry gets its layers from the first", async () => {
      if (binaries === undefined) return;
      const [one, two] = [`${registry.host}/one-${target.name}`, `${registry.host}/two-${target.name}`];
      const made = await image(target, [await project(), "-t", `${one}:1`, "-t", `${two}:1`]);
      expect(made.code).toBe(0);
      expect(made.stderr).toMatch(new RegExp(`pushed to ${one}: [\\d.]+ MB sent`));
      expect(made.stderr).toMatch(new RegExp(`pushed to ${two}: [\\d.]+ kB sent, [4-9] contents were there`));
      expect(made.stdout.trim().split("\n")).toHaveLength(2);
    }, 60_000);
  });
}
