/** `--watch` on Bun: the running process looks at its own files, stops as by SIGTERM when one changes, and becomes a new one in its place. */
import { existsSync, type FSWatcher, watch } from "node:fs";
import { readdir, realpath } from "node:fs/promises";
import { constants } from "node:os";
import { basename, dirname, extname, join, resolve } from "node:path";

/** What one life tells the next. */
interface Past {
  /** It failed or ended: nothing to do until something changes. */
  readonly waiting: boolean;
  /** Where the files it had imported lie. */
  readonly folders: readonly string[];
}

const variable = "MICRORUN_WATCHED";
/** SIGHUP asks again what a life that was about to end may not have heard. */
const stops = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** How long the old life may take to stop. */
const maxStopMs = 5000;
/** Editors write in several steps. */
const settleMs = 50;
/** How often newly imported files are looked for. */
const lookMs = 1000;
/** How many folders of the project, and of what it imports, are watched. */
const maxFolders = 500;
const sources = new Set([
  ".ts",
  ".tsx",
  ".mts",
  ".cts",
  ".js",
  ".jsx",
  ".mjs",
  ".cjs",
  ".json",
  ".yaml",
  ".yml",
  ".toml",
  ".proto",
]);

/** Becomes a new process of the same program; the process id stays. */
export function restart(args: readonly string[], past: Past): never {
  const self = Bun.isStandaloneExecutable ? [] : [...process.execArgv, Bun.main];
  const env = { ...process.env, [variable]: JSON.stringify(past) };
  return process.execve!(
    process.execPath,
    [process.execPath, ...self, ...args],
    env as Record<string, string>,
  );
}

/** Does nothing but under `watch`. Else returns when the module is to be loaded, and restarts this process from then on. */
export async function lookAfterRestarts(module: string): Promise<void> {
  const past = process.env[variable];
  if (past === undefined) return;
  delete process.env[variable];
  const { waiting, folders } = JSON.parse(past) as Past;
  const watched = watchFolders([...(await projectFolders(module)), ...folders]);

  if (waiting) {
    process.stderr.write("waiting for a change\n");
    const quit = (signal: NodeJS.Signals) => process.exit(exitCode(signal));
    for (const signal of stops) process.on(signal, quit);
    await watched.changed((path) => sources.has(extname(path)));
    for (const signal of stops) process.off(signal, quit);
  }
  restartOnChange(watched);
}

function restartOnChange(watched: Watched): void {
  let stopped = false;
  let changed = false;
  const look = setInterval(() => watched.add(importedFiles().map(dirname)), lookMs);
  look.unref();

  let emitting = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // before whoever may exit at once
    process.prependListener(signal, () => {
      stopped ||= !emitting;
      if (process.listenerCount(signal) === 1) process.exit(exitCode(signal));
    });
  }
  process.on("SIGHUP", () => {
    if (!stopped) process.emit("SIGTERM", "SIGTERM");
  });
  process.on("exit", () => {
    if (stopped) return;
    // what nobody can hear any more ends the process
    for (const signal of stops) process.removeAllListeners(signal);
    const folders = [...new Set(importedFiles().map(dirname))].slice(0, maxFolders);
    restart(process.argv.slice(2), { waiting: !changed, folders });
  });

  const known = (path: string) => extname(path) === ".proto" || importedFiles().includes(path);
  void watched.changed(known).then((path) => {
    changed = true;
    process.stderr.write(`${basename(path)} changed: restarting\n`);
    setTimeout(() => process.exit(), maxStopMs).unref();
    emitting = true;
    process.emit("SIGTERM", "SIGTERM");
    emitting = false;
  });
}

/** As a shell tells the end by a signal. */
function exitCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/** Of the user; not those of packages. */
function importedFiles(): string[] {
  return Object.keys(require.cache)
    .map((key) => key.replace(/^proto:/, ""))
    .filter((path) => path.startsWith("/") && !/^\/\$bunfs|[/]node_modules[/]/.test(path));
}

interface Watched {
  add(folders: readonly string[]): void;
  /** The next change of a file that `matters`, once it has settled. */
  changed(matters: (path: string) => boolean): Promise<string>;
}

function watchFolders(first: readonly string[]): Watched {
  const watchers = new Map<string, FSWatcher>();
  let listener: (path: string) => void = () => {};
  const add = (folders: readonly string[]) => {
    for (const folder of folders) {
      if (watchers.has(folder) || watchers.size >= maxFolders || !existsSync(folder)) continue;
      const watcher = watch(
        folder,
        { persistent: true },
        (_, name) => name !== null && listener(join(folder, name)),
      );
      watchers.set(
        folder,
        watcher.on("error", () => {}),
      );
    }
  };
  add(first);
  return {
    add,
    changed: (matters) =>
      new Promise((done) => {
        listener = (path) => {
          if (!matters(path)) return;
          listener = () => {};
          setTimeout(done, settleMs, path);
        };
      }),
  };
}

/** The folders below the nearest package.json, or else below the module's own folder. */
async function projectFolders(module: string): Promise<string[]> {
  const home = dirname(await realpath(module).catch(() => resolve(module)));
  const folders = [packageRoot(home) ?? home];
  for (let next = 0; next < folders.length && folders.length < maxFolders; next++) {
    const entries = await readdir(folders[next]!, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (entry.isDirectory() && !/^(\.|node_modules$)/.test(entry.name))
        folders.push(join(folders[next]!, entry.name));
    }
  }
  return [home, ...folders];
}

function packageRoot(folder: string): string | undefined {
  if (existsSync(join(folder, "package.json"))) return folder;
  return dirname(folder) === folder ? undefined : packageRoot(dirname(folder));
}
