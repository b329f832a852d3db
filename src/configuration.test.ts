import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readArgv } from "./cli/argv.ts";
import { readSettings, settling } from "./cli/command/settings.ts";
import { openConfiguration } from "./configuration.ts";
import { createLog, type LogSink } from "./log.ts";

/** Resolves when the log holds such a line. */
function line(log: LogSink, pattern: RegExp): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const look = (message: string): void => {
    if (pattern.test(message)) resolve(message);
  };
  for (const { message } of log.records()) look(message);
  log.follow(({ message }) => look(message));
  return promise;
}

test("a change that only a restart takes is told, and that it was taken back", async () => {
  const folder = mkdtempSync(join(tmpdir(), "microrun-configuration-"));
  using cleanup = new DisposableStack();
  cleanup.defer(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "config.yaml");
  writeFileSync(path, "registry: { type: memory }\n");
  const { words, ...said } = readArgv(["./x.ts", `--config=file:${path}`]);
  const asked = { ...said, env: {} };
  const log = createLog({ level: "debug", write: () => {} });
  await using _ = await openConfiguration(readSettings(words[0]!, asked), settling(words[0]!, asked), {
    env: {},
    log,
  });
  writeFileSync(path, "registry: { type: local }\n");
  await line(log, /^config registry\.type changed: only a restart takes it$/);
  writeFileSync(path, "registry: { type: memory }\n");
  await line(log, /^config registry\.type is again what it was at the start$/);
});

test("a setting that becomes wrong is told once, marked as long as it lasts, and told when it is over", async () => {
  const folder = mkdtempSync(join(tmpdir(), "microrun-configuration-"));
  using cleanup = new DisposableStack();
  cleanup.defer(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "config.yaml");
  const write = (level: string, more = 0): void =>
    writeFileSync(path, `log: { level: ${level} }\nmore: ${more}\n`);
  write("warn");
  const { words, ...said } = readArgv(["./x.ts", `--config=file:${path}`]);
  const asked = { ...said, env: {} };
  const log = createLog({ level: "debug", write: () => {} });
  await using configuration = await openConfiguration(
    readSettings(words[0]!, asked),
    settling(words[0]!, asked),
    { env: {}, log },
  );
  expect([configuration.live.logLevel, configuration.note()]).toEqual(["warn", ""]);

  write("loud");
  await line(log, /^settings: config log\.level: loud: not known: the last good settings stay$/);
  expect([configuration.live.logLevel, configuration.note()]).toEqual(["warn", "not well: settings"]);
  write("info", 1);
  expect(await line(log, /well again/)).toBe("settings: all is well again");
  expect([configuration.live.logLevel, configuration.note()]).toEqual(["info", ""]);
});
