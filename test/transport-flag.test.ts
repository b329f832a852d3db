/** `--transport`: a service is called alike on our own HTTP/2 engine and on grpc-js, by gRPC and by HTTP/1.1, and drains. */
import { describe, expect, test } from "bun:test";
import { connect, type Settings } from "node:http2";
import { greeter, microrun, serve, targets } from "./harness.ts";

/** By it our engine is told from node's. */
const ownWindowBytes = 262_144;

async function settingsOf(address: string): Promise<Settings> {
  const session = connect(`http://${address}`);
  try {
    return await new Promise((resolve, reject) => {
      session.once("remoteSettings", resolve);
      session.once("error", reject);
    });
  } finally {
    session.destroy();
  }
}

describe.each(targets)("$name", (target) => {
  test.each([
    ["grpc", true],
    ["grpc-js", false],
  ])(
    "--transport=%s: a service is called over gRPC and HTTP/1.1 on one port, and ends with 0",
    async (name, own) => {
      await using running = await serve(target, [greeter, `--transport=${name}`]);
      const address = running.address();
      expect((await settingsOf(address)).initialWindowSize === ownWindowBytes).toBe(own);
      const called = await microrun(target, [
        "call",
        "greeter",
        "Greeter.Hello",
        '{"name":"John"}',
        `--address=${address}`,
      ]);
      expect([called.code, JSON.parse(called.stdout)]).toEqual([0, { greeting: "Hello John!" }]);
      const answered = await fetch(`http://${address}/greeter.Greeter/Hello`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"name":"John"}',
      });
      expect(await answered.json()).toEqual({ greeting: "Hello John!" });
      running.signal("SIGTERM");
      expect(await running.exited).toBe(0);
    },
  );

  test("a transport that there is not is told with those that there are", async () => {
    const { code, stderr } = await microrun(target, [greeter, "--transport=h3"]);
    expect(code).toBe(2);
    expect(stderr).toContain("grpc, grpc-js");
  });
});
