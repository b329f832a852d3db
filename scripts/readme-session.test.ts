import { describe, expect, test } from "bun:test";
import { hasShown, isAsShown, readSteps, runSession } from "./readme-session.ts";

const options = { cwd: import.meta.dir, env: { PATH: process.env.PATH ?? "" } };

const readme = [
  "# one",
  "```sh",
  "$ not this",
  "```",
  "```console",
  "$ serve ./a.ts &",
  "ready",
  "$ curl -d '{",
  '  "a": 1 }\' \\',
  "  http://x",
  "{}",
  "",
  "last",
  "```",
].join("\n");

test("steps are the commands of console blocks, with what is shown below them", () => {
  expect(readSteps(readme)).toEqual([
    { command: "serve ./a.ts", shown: ["ready"], background: true },
    {
      command: "curl -d '{\n  \"a\": 1 }' \\\n  http://x",
      shown: ["{}", "", "last"],
      background: false,
    },
  ]);
  expect(() => readSteps("```console\nno command\n```")).toThrow("begins with a command");
});

test("lines are as shown where only dots stand for others", () => {
  const cases: readonly (readonly [shown: string[], written: string[], holds: boolean])[] = [
    [[], [], true],
    [[], ["a"], false],
    [["a"], ["a", "b"], false],
    [["…"], [], true],
    [["…", "b"], ["a", "a", "b"], true],
    [["…", "b"], ["b", "a"], false],
    [["a", "…"], ["a"], true],
    [["at …: a.b"], ["at 7: a.b"], true],
    [["at …: a.b"], ["at 7: axb"], false],
  ];
  for (const [shown, written, holds] of cases)
    expect(isAsShown(shown, written), `${shown} of ${written}`).toBe(holds);
});

test("what runs on has shown lines once they are there in their order", () => {
  expect(hasShown(["a", "…", "b"], ["x", "a", "y", "b", "z"])).toBe(true);
  expect(hasShown(["b", "a"], ["a", "b"])).toBe(false);
  expect(hasShown(["a", "a"], ["a"])).toBe(false);
});

describe("a session", () => {
  const step = (command: string, shown: string[] = [], background = false) => ({
    command,
    shown,
    background,
  });

  test("goes on as long as all is as shown, and ends what runs behind it", async () => {
    const done: string[] = [];
    const serving = `A=1 sh -c 'trap "exit 0" TERM; echo "up $A"; while :; do sleep 0.05; done'`;
    const steps = [step(serving, ["up 1"], true), step("echo one; echo two >&2", ["one", "two"])];
    await runSession(steps, { ...options, done: ({ command }) => done.push(command) });
    expect(done).toEqual(steps.map(({ command }) => command));
  });

  test("fails where a command writes something else, or ends otherwise", async () => {
    const failure = (...steps: Parameters<typeof runSession>[0]) =>
      runSession(steps, options).then(
        () => "none",
        (error: Error) => error.message,
      );
    expect(await failure(step("echo one", ["two"]))).toMatch(/\$ echo one\n.*shown:\n *two\n.*written/s);
    const idle = step("sh -c 'trap \"exit 0\" TERM; echo up; while :; do sleep 0.05; done'", ["up"], true);
    expect(await failure(idle, step("echo one"))).toMatch(/meanwhile sh -c .*:\n *up\n$/s);
    expect(await failure(step("exit 3"))).toContain("exit code 3");
    expect(await failure(step("sh -c 'echo up; exit 4'", ["never"], true))).toContain("exit code 4");
    const dying = "sh -c 'trap \"exit 5\" TERM; echo up; while :; do sleep 0.05; done'";
    expect(await failure(step(dying, ["up"], true))).toContain("exit code 5 when it was stopped");
  });
});
