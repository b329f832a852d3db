import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ReadModuleText } from "./dev.ts";
import { readProjectFile } from "./project-file.ts";

const folder = mkdtempSync(join(tmpdir(), "microrun-project-"));
afterAll(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "lib"));
writeFileSync(join(folder, "user.ts"), "export default {}");
writeFileSync(join(folder, "job.ts"), "() => {}");

const readModule: ReadModuleText = (text) => ({ isServable: true, isFunction: text.startsWith("()") });

function read(text: string) {
  const file = join(folder, "microrun.yaml");
  writeFileSync(file, text);
  return readProjectFile(file, readModule);
}

test("a service has what is said of it, and what is usual for the rest", async () => {
  const { services, registry } = await read(`
registry: mdns
env: { MICRO_LOG_LEVEL: debug, A: 1 }
services:
  user:
    module: user.ts
    env: { A: 2, ON: true }
    flags: { drain_timeout: 1s, server_metadata: [a=b, c=d] }
    args: --seed
    replicas: 2
    watch: lib
  job: { module: ./job.ts, dependsOn: [user] }
  db: { command: ./db --port 7, cwd: lib, port: 0 }
  tail: { command: [tail, -f, x y] }
`);
  expect(registry).toBe("mdns");
  const [user, job, db, tail] = services;
  expect(user).toEqual({
    name: "user",
    module: "./user.ts",
    serverName: "user",
    cwd: folder,
    port: 0,
    env: { MICRO_LOG_LEVEL: "debug", A: "2", ON: "true" },
    flags: ["--drain_timeout=1s", "--server_metadata=a=b", "--server_metadata=c=d"],
    args: ["--seed"],
    dependsOn: [],
    replicas: 2,
    watch: [join(folder, "lib")],
  });
  expect([job?.dependsOn, job?.port]).toEqual([["user"], undefined]);
  expect([db?.command, db?.cwd, db?.port]).toEqual([
    ["/bin/sh", "-c", "./db --port 7"],
    join(folder, "lib"),
    0,
  ]);
  expect([tail?.command, tail?.port]).toEqual([["tail", "-f", "x y"], undefined]);
});

test.each([
  ["services:\n  user:\n    modul: user.ts", "line 3, column 5: unknown key modul, did you mean module?"],
  ["service: {}", "line 1, column 1: unknown key service, did you mean services?"],
  ["services:\n  user: { module: none.ts }", "line 2, column 19: no such file: none.ts"],
  ["services:\n  user: {}", "line 2, column 3: user: nothing to run"],
  ["services:\n  user:", "line 2, column 8: services.user: not a map"],
  ["services: []", "line 1, column 11: services: not a map"],
  ["services: {}", "microrun.yaml: no services"],
  ["services: { u: { command: a, port: x } }", "line 1, column 36: u.port: not a number from 0 to 65535"],
  ["services: { u: { command: a, port: 70000 } }", "u.port: not a number from 0 to 65535"],
  ["services: { u: { command: a, module: user.ts } }", "column 27: u: has a module and a command"],
  ["services: { u: { command: a, args: [b] } }", "column 36: u: of a module alone"],
  ["services: { u: { module: user.ts, cwd: lib } }", "column 40: u: of a command alone"],
  ["services: { u: { command: '' } }", "column 27: u.command: not a text"],
  ["services: { u: { command: a, env: { B: [1] } } }", "column 40: env.B: not a text"],
  [
    "services: { u: { module: user.ts, flags: { server-address: ':1' } } }",
    "server-address: not a flag here",
  ],
  ["services:\n  u:\n    command: a\n    dependsOn:\n      - x", "line 5, column 9: no service x"],
  ["services: { a: { command: a, port: 80 }, b: { command: b, port: 80 } }", "column 65: port 80: is a's"],
  ["services: { a: { command: a, port: 80, replicas: 2 }, b: { command: b, port: 81 } }", "port 81: is a's"],
  ["services: { -x: { command: a } }", "column 13: -x: not a name"],
  ["registry: consul\nservices: { a: { command: a } }", "line 1, column 11: registry: not known"],
  ["services:\n  a: b: c", "line 2, column"],
  ["a: 1\na: 2", "line 2, column 1: this key is there already"],
])("%j is refused", async (text, message) => {
  const error = await read(text).then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  expect(error).toMatchObject({ code: "invalid_argument", message: expect.stringContaining(message) });
  expect((error as { hint?: string } | undefined)?.hint).toBeString();
});
