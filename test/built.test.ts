/** The executable of a service as its user meets it: what it says of itself, and how it is made for this user. */
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, cpSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { folder, microrun, type Outcome, serve, type Target, targets } from "./harness.ts";

const modules = {
  "greeter.ts": `export default { handlers: { Greeter: { Hello: () => ({}) } }, fetch: () => new Response(""), port: 80 };
export const config = { "~standard": { version: 1, vendor: "own", validate: (value) =>
  value.mongodb?.host ? { value } : { issues: [{ message: "is missing", path: ["mongodb", "host"] }] } } };`,
  "seven.ts": "export default 7;",
};
const alone = { MICRO_REGISTRY: "memory", MICRO_CONFIG: "env:" };
const there = { ...alone, MONGODB_HOST: "db" };
const isRoot = process.getuid?.() === 0;
const asNobody = isRoot ? ["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups"] : [];

for (const target of targets) {
  describe(`an executable of a service (${target.name})`, () => {
    const place = folder(modules);
    const spaced = join(place.path, "a ü");
    afterAll(() => place[Symbol.dispose]());
    const itself: Target = { name: "itself", command: ["./greeter"] };
    const run = (args: readonly string[], env: Record<string, string> = alone): Promise<Outcome> =>
      microrun(itself, args, { cwd: spaced, env });

    test("may be started by those whom the umask allows", async () => {
      mkdirSync(spaced);
      const shell = (line: string): Target => ({
        name: "shell",
        command: ["sh", "-c", `${line} && exec "$@"`, "sh", ...target.command],
      });
      const builds = [
        ["umask 077", "greeter", 0o700],
        ["umask 022", "seven", 0o755],
      ] as const;
      for (const [line, name, mode] of builds) {
        const args = ["build", `./${name}.ts`, "-o", join(spaced, name)];
        expect(await microrun(shell(line), args, { cwd: place.path })).toMatchObject({ code: 0 });
        expect(statSync(join(spaced, name)).mode & 0o777).toBe(mode);
      }
    });

    test("is called by its own name in hints", async () => {
      for (const [args, why] of [
        [["--zzz=1"], "see ./greeter run --help, or put the module's own words behind --"],
        [["a"], "or put the service's own words behind --"],
        [["call"], "write ./greeter call greeter Greeter.Hello"],
        [["config", "check", "./x.ts"], "write ./greeter config, ./greeter config check or"],
        [["config", "--zzz=1"], "see ./greeter config --help\n"],
      ] as const) {
        const { code, stderr } = await run(args);
        expect([code, stderr], args.join(" ")).toEqual([2, expect.stringContaining(why)]);
        expect(stderr).not.toContain("microrun");
      }
      const absent = await run(["call", "absent", "A.b"]);
      expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining("./greeter services lists")]);
      expect((await run(["completion", "bash"])).stdout).toEndWith(
        "completions greeter\n###-end-greeter-completions-###\n\n",
      );
    });

    test("offers no flag that it refuses", async () => {
      expect((await run(["--help"])).stdout).not.toMatch(/--watch\b|\.ts\b/);
      expect((await microrun(target, ["run", "--help"])).stdout).toContain("--watch");
    });

    test("checks its configuration against its own schema", async () => {
      expect(await run(["config", "check"])).toMatchObject({
        code: 1,
        stdout: "schema: mongodb.host: is missing\n",
      });
      expect(await run(["config", "check"], there)).toMatchObject({ code: 0, stdout: "ok\n" });
    });

    test("calls its module as its source was called", async () => {
      const seven: Target = { name: "seven", command: ["./seven"] };
      for (const format of ["text", "json"]) {
        const { code, stderr } = await microrun(seven, [`--log_format=${format}`], { cwd: spaced });
        expect([code, stderr]).toEqual([2, expect.stringContaining("cannot load seven.ts: ")]);
      }
    });

    test("tells lines that a shell takes, and probes itself", async () => {
      const flags = ["--log_format=text", "--server_name=a b"];
      const own: Target = { name: "spaced", command: [join(spaced, "greeter")] };
      await using running = await serve(own, flags, { cwd: place.path, env: there });
      await running.logged(/ {2}'\.\/a ü\/greeter' call 'a b' Greeter\.Hello '\{\}' --address=/);
      await running.logged(/greeter\.ts exports port: without a meaning here/);
      const asked = await run(["probe"], { ...alone, MICRO_SERVER_ADDRESS: running.address() });
      expect(asked).toMatchObject({ code: 0, stdout: "status: ok\n" });
    });

    // a checkout of root's is closed to nobody: there the executable alone can be tried
    const asSomebody =
      isRoot && target.name === "source" ? () => {} : test.skipIf(isRoot && Bun.which("setpriv") === null);
    asSomebody("is not made of what this user may not read, and the file is named", async () => {
      using closed = folder({
        "greeter.ts": modules["greeter.ts"],
        "page.txt": "",
        "part.ts": "export default 1;",
        "whole.ts": 'import part from "./part.ts"; export default { A: { b: () => part } };',
        "greeter.proto": "",
      });
      const own = join(closed.path, "microrun");
      if (isRoot) cpSync(target.command[0]!, own);
      const nobody: Target = {
        name: "nobody",
        command: isRoot ? [...asNobody, own] : target.command,
      };
      chmodSync(closed.path, 0o777);
      for (const name of ["page.txt", "part.ts"]) chmodSync(join(closed.path, name), 0);
      const build = (...args: string[]): Promise<Outcome> =>
        microrun(nobody, ["build", ...args], { cwd: closed.path });
      for (const [args, why] of [
        [["./greeter.ts", "--include=page.txt"], "cannot read page.txt: permission denied"],
        [["./whole.ts"], "part.ts cannot be read: permission denied"],
      ] as const)
        expect(await build(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(why) });
      writeFileSync(join(closed.path, "shut"), "");
      mkdirSync(join(closed.path, "folder"), { mode: 0o555 });
      expect(await build("./greeter.ts", "-o", "folder/greeter")).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(
          `cannot write ${join(closed.path, "folder/greeter")}: permission denied`,
        ),
      });
      chmodSync(join(closed.path, "greeter.proto"), 0);
      expect(await build("./greeter.ts")).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/greeter\.proto: permission denied\n/),
      });
    });
  });
}
