/** microrun as the image of the Dockerfile has it: the musl executable, as nobody, on a root that is read-only. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runtimeExecutable } from "../src/build/runtime.ts";
import { parseTarget } from "../src/build/targets.ts";
import { folder, greeter, microrun, type Running, serve, type Target, targets } from "./harness.ts";
import { contained, muslRoot } from "./musl-root.ts";

const root = await muslRoot();
const dockerfile = readFileSync(join(import.meta.dir, "../Dockerfile"), "utf8");
/** `HEALTHCHECK … CMD ["microrun", "probe", …]`, without the first word. */
const healthCheck = JSON.parse(/HEALTHCHECK.*CMD (\[.*\])/.exec(dockerfile)![1]!).slice(1) as string[];

/** The first one fetches Bun for musl. */
const fetchTimeoutMs = 300_000;
let executable: string;

const examples = dirname(greeter);
const on = (app: string, env = {}): Target => contained(root!, executable, app, env);

async function isHealthy(address: string): Promise<boolean> {
  const { code } = await microrun(on(examples, { MICRO_SERVER_ADDRESS: address }), healthCheck);
  return code === 0;
}

async function hello(address: string, service = "Greeter"): Promise<unknown> {
  const reply = await fetch(`http://${address}/${service}/Hello`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"name":"John"}',
  });
  return reply.json();
}

/** The root that the layers of an image make (OCI image-layout.md). */
function unpacked(layout: string, into: string): string {
  const blob = ({ digest }: { digest: string }): string => join(layout, "blobs", digest.replace(":", "/"));
  const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
  mkdirSync(into);
  for (const layer of read(blob(read(join(layout, "index.json")).manifests[0])).layers) {
    const { exitCode } = Bun.spawnSync(["tar", "-xzf", blob(layer), "-C", into]);
    expect(exitCode).toBe(0);
  }
  return into;
}

/** A folder that others may read, as those that are mounted are. */
function mounted(name: string, text: string): ReturnType<typeof folder> {
  const made = folder({ [name]: text });
  chmodSync(made.path, 0o755);
  return made;
}

describe.skipIf(root === undefined)("on musl 1.2.5, as 65532, read-only", () => {
  beforeAll(async () => {
    executable = await runtimeExecutable({
      target: parseTarget(`linux-${process.arch}-musl`),
      env: process.env,
      signal: AbortSignal.timeout(fetchTimeoutMs),
      progress: () => {},
    });
  }, fetchTimeoutMs);

  test("the executable asks for musl's loader", async () => {
    expect(await Bun.file(executable).slice(0, 4096).text()).toContain("/lib/ld-musl-");
  });

  describe("a mounted module", () => {
    let running: Running;
    beforeAll(async () => {
      running = await serve(on(examples), ["/app/greeter.ts", "--log_format=text"]);
    });
    afterAll(async () => {
      await running?.[Symbol.asyncDispose]();
    });

    test("answers calls", async () => {
      expect(await hello(running.address(), "greeter.Greeter")).toEqual({ greeting: "Hello John!" });
    });

    test("is called over gRPC by the executable itself", async () => {
      const asked = ["call", "greeter", "Greeter.Hello", '{"name":"John"}', `--address=${running.address()}`];
      const { stdout } = await microrun(on(examples), asked);
      expect(JSON.parse(stdout)).toEqual({ greeting: "Hello John!" });
    });

    test("passes the Dockerfile's health check", async () => {
      expect(await isHealthy(running.address())).toBe(true);
    });

    test("drains on SIGTERM and ends well", async () => {
      running.signal("SIGTERM");
      expect(await running.exited).toBe(0);
      expect(running.log()).toContain("draining");
    });

    test("fails the Dockerfile's health check when it is gone", async () => {
      expect(await isHealthy(running.address())).toBe(false);
    });
  });

  test("a web service that fails every request passes the Dockerfile's health check, which never reaches it", async () => {
    using app = mounted("any.ts", 'export default { fetch: () => new Response("no", { status: 500 }) };');
    await using running = await serve(on(app.path), ["/app/any.ts"]);
    expect(await isHealthy(running.address("http"))).toBe(true);
  });

  test("an image on such a base holds the musl executable, and its root serves the module", async () => {
    using made = mounted("greeter.ts", readFileSync(greeter, "utf8"));
    const layout = join(made.path, "layout");
    const image = ["image", join(made.path, "greeter.ts"), `--base=${root}`, `--output=${layout}/`];
    expect(await microrun(targets.at(-1)!, image)).toMatchObject({ code: 0 });
    const own = unpacked(layout, join(made.path, "root"));
    const program = join(own, "usr/local/bin/microrun");
    await using running = await serve(contained(own, program, join(own, "app")), ["/app/greeter.js"]);
    expect(await hello(running.address())).toEqual({ greeting: "Hello John!" });
  });

  test("a module can write nowhere", async () => {
    using app = mounted(
      "job.ts",
      `import { writeFileSync } from "node:fs";
      const attempt = (path) => {
        try {
          writeFileSync(path, "");
          return "written";
        } catch (error) {
          return error.code;
        }
      };
      export default () => console.log(["/app/x", "/tmp/x", "/x"].map(attempt).join(), process.getuid(), process.getgid());`,
    );
    const { stdout, code } = await microrun(on(app.path), ["/app/job.ts"]);
    expect({ stdout, code }).toEqual({ stdout: "EROFS,EROFS,EROFS 65532 65532\n", code: 0 });
  });
});
