/** What commands print arrives whole, however slowly it is read, and nobody waits for who reads no more. */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { folder, microrun, targets } from "./harness.ts";

/** Three of them are more than a pipe holds, and one is not too long an argument. */
const much = "x".repeat(100_000);

describe.each(targets)("$name", (target) => {
  test("more than a pipe holds arrives whole at a reader that is slow, and ends at one that has read enough", async () => {
    using local = folder();
    const env = { XDG_RUNTIME_DIR: local.path };
    for (const id of ["big-1", "big-2", "big-3"]) {
      const node = { id, address: "10.0.0.5:9090", metadata: { much } };
      const json = JSON.stringify({ name: "big", version: "1", nodes: [node] });
      expect(await microrun(target, ["register", json, "--register_ttl=1h"], { env })).toMatchObject({
        code: 0,
      });
    }
    /** `microrun get`, and what stands behind it in a shell. */
    const shell = (rest: string) => {
      const command = ["bash", "-c", `set -o pipefail; "$@" get big --output=json ${rest}`, "bash"];
      return microrun({ name: target.name, command: [...command, ...target.command] }, [], { env });
    };
    const slow = await shell("| (sleep 1; cat)");
    expect([slow.code, slow.stderr]).toEqual([0, ""]);
    expect(JSON.parse(slow.stdout)[0].nodes).toHaveLength(3);
    expect(await shell(`> ${local.path}/file; echo $?; wc -c < ${local.path}/file`)).toMatchObject({
      stdout: `0\n${slow.stdout.length}\n`,
    });
    expect((await shell("| head -1")).stdout).toBe("[\n");
    for (const nowhere of [">&-", ...(existsSync("/dev/full") ? ["> /dev/full"] : [])])
      expect((await shell(`${nowhere}; echo ended`)).stdout, nowhere).toBe("ended\n");
  }, 40_000);
});
