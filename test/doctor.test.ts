/** `microrun doctor` on a machine without a cluster: what is well, what fails, and the exit code of each. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { folder, greeter, microrun, type RunOptions, serve, type Target, targets } from "./harness.ts";

interface Finding {
  readonly check: string;
  readonly status: string;
  readonly what: string;
  readonly todo?: string;
}

/** Of this machine's own state nothing may matter: its kubeconfig, its ports. */
const env = { KUBECONFIG: "/nowhere/kubeconfig", HOME: "/dev/null" };
let busy: Server;
let port = 0;

beforeAll(async () => {
  busy = createServer((socket) => socket.end("220 mail\r\n"));
  await new Promise<void>((resolve) => busy.listen(0, "127.0.0.1", resolve));
  port = (busy.address() as { port: number }).port;
});
afterAll(() => void busy.close());

describe.each([...targets])("from $name,", (target: Target) => {
  const doctor = (args: readonly string[], options: RunOptions = {}) =>
    microrun(target, ["doctor", ...args], { ...options, env: { ...env, ...options.env } });
  const found = async (args: readonly string[], options: RunOptions = {}) => {
    const { code, stdout, stderr } = await doctor([...args, "--output=json"], options);
    expect(stderr).toBe("");
    const findings = JSON.parse(stdout) as Finding[];
    return { code, of: (check: string) => findings.filter((finding) => finding.check === check), findings };
  };

  test("the doctor finds a laptop without a cluster well, in lines for people", async () => {
    const { code, stdout } = await doctor([greeter, "--server_address=127.0.0.1:0"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok {4}module +greeter loads: 1 method of greeter\.proto$/m);
    expect(stdout).toMatch(/^ok {4}registry +local in /m);
    expect(stdout).toMatch(/^\n?0 fail, \d+ warn, \d+ ok$/m);
    expect(stdout).not.toContain("api server");
  });

  test("the doctor fails with a module that does not load, and goes on", async () => {
    using dir = folder({ "broken.ts": "export default { Greeter: { Hello: (" });
    const { code, of } = await found(["./broken.ts", "--server_address=127.0.0.1:0"], { cwd: dir.path });
    expect(code).toBe(1);
    expect(of("module")).toMatchObject([{ status: "fail", what: expect.stringContaining("broken.ts") }]);
    expect(of("config")).toMatchObject([{ status: "ok" }]);
  });

  test("the doctor warns of methods without a handler, and fails with a .proto that cannot be read", async () => {
    const proto =
      'syntax = "proto3"; package a; service S { rpc One(M) returns (M); rpc Two(M) returns (M); } message M {}';
    using dir = folder({ "a.proto": proto, "a.ts": "export default { S: { One: () => ({}) } }" });
    const there = { cwd: dir.path };
    const half = await found(["a.ts", "--server_address=127.0.0.1:0"], there);
    expect(half.of("module")).toMatchObject([
      { status: "ok" },
      { status: "warn", what: "without a handler: a.S.Two" },
    ]);
    await Bun.write(`${dir.path}/a.proto`, "syntax = nonsense");
    const broken = await found(["a.ts", "--server_address=127.0.0.1:0"], there);
    expect([broken.code, broken.of("module")]).toMatchObject([1, [{ status: "fail" }]]);
  });

  test("the doctor tells the faults of the configuration", async () => {
    using dir = folder({
      "config.yaml": "drain_timeout: soon\n",
      "a.ts": "export default { S: { One: () => ({}) } }; export const config = undefined",
    });
    const args = ["a.ts", "--server_address=127.0.0.1:0", "--config=file:./none.yaml?required"];
    const { code, of } = await found(args, { cwd: dir.path });
    expect(code).toBe(1);
    expect(of("config")).toMatchObject([{ status: "fail", what: expect.stringContaining("none.yaml") }]);
  });

  test("the doctor fails where a port that was asked for is in use, or nobody beyond can reach it", async () => {
    const { code, of } = await found([`--server_address=127.0.0.1:${port}`, "--registry=mdns"]);
    expect(code).toBe(1);
    expect(of("port")).toMatchObject([{ status: "fail", what: expect.stringContaining("in use") }]);
    expect(of("address")).toMatchObject([
      { status: "fail", todo: expect.stringContaining("--server_address") },
    ]);
  });

  test("the doctor warns of a port on which a service listens that is well: it may be this one", async () => {
    await using running = await serve(target, [greeter]);
    const address = running.address();
    const { code, of } = await found([greeter, `--server_address=${address}`]);
    expect([code, of("port")]).toMatchObject([
      0,
      [{ status: "warn", what: expect.stringContaining("in use") }],
    ]);
  });

  test("the doctor looks for the services that are called, and for NATS", async () => {
    using dir = folder({
      "a.ts": 'export default { S: { One: (_, { client }) => client.call("seen", "Seen.Get", {}) } }',
    });
    const { code, of } = await found(
      [
        ...[
          "a.ts",
          "--server_address=127.0.0.1:0",
          "--selector=static",
          `--calls=127.0.0.1:${port},no.invalid`,
        ],
        ...["--broker=nats", `--broker_address=nats://127.0.0.1:${port}`],
      ],
      { cwd: dir.path },
    );
    expect(code).toBe(1);
    expect(of("calls")).toMatchObject([
      { status: "ok", what: `127.0.0.1:${port} answers at 127.0.0.1:${port}` },
      { status: "fail", what: expect.stringContaining("no.invalid") },
      { status: "warn", what: expect.stringContaining("seen") },
    ]);
    expect(of("broker")).toMatchObject([{ status: "fail", what: expect.stringContaining("no NATS server") }]);
  });

  test("the doctor fails without the cluster that the flags need", async () => {
    const { code, of } = await found(["--registry=kubernetes", "--server_address=:0"]);
    expect(code).toBe(1);
    expect(of("api server")).toMatchObject([
      {
        status: "fail",
        what: expect.stringContaining("no cluster found"),
        todo: expect.stringContaining("--kubeconfig"),
      },
    ]);
    expect([...of("permission"), ...of("identity")]).toEqual([]);
  });

  test("the doctor is asked wrongly by a flag that cannot be, or a module that is not there", async () => {
    expect(await doctor(["--server_address=nonsense"])).toMatchObject({ code: 2, stdout: "" });
    expect(await doctor(["./none.ts"])).toMatchObject({ code: 2, stdout: "" });
  });
});
