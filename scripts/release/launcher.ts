/** The `microrun` of the npm package: runs the executable that npm installed for this platform. Node 18 or later is enough. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";

const os = process.platform === "win32" ? "windows" : process.platform;

function executable(): string {
  const platform = `${os}-${process.arch}${os === "linux" && isMusl() ? "-musl" : ""}`;
  const folder = installed(`@microrun/${platform}`);
  if (folder !== undefined) return join(folder, "bin", os === "windows" ? "microrun.exe" : "microrun");
  return fail(
    `@microrun/${platform} is not installed`,
    "install microrun on the machine that runs it, optional dependencies included: npm install --include=optional microrun",
  );
}

function installed(name: string): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

/** Node tells the version of the glibc that it runs on. */
function isMusl(): boolean {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime === undefined;
}

function fail(why: string, hint: string): never {
  process.stderr.write(`error: cannot run microrun: ${why}\n  hint: ${hint}\n`);
  process.exit(1);
}

const path = executable();
const child = spawn(path, process.argv.slice(2), { stdio: "inherit" });
child.on("error", ({ message }) => fail(message, `see whether ${path} runs by itself`));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) {
  process.on(signal, () => {
    // a terminal has told the child itself, and a second SIGINT would end its draining
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal!]));
