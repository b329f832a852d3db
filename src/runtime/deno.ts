/** Deno: the same program by `deno run -A`. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import nodeModule from "node:module";
import { fileURLToPath } from "node:url";
import type { Runtime } from "./runtime.ts";

interface DenoGlobal {
  readonly version: { readonly deno: string };
  readonly mainModule: string;
  execPath(): string;
}

interface Loaded {
  format?: string;
  source?: string;
  url?: string;
  shortCircuit?: boolean;
}

interface Context {
  readonly importAttributes?: { readonly type?: string };
}

type Hook = (name: string, context: Context, next: (name: string, context: Context) => Loaded) => Loaded;

/** node:module's synchronous hooks, which Bun and its types lack. */
interface Hooks {
  registerHooks(hooks: { resolve: Hook; load: Hook }): void;
}

/** The only way from here into a module that a hook makes up. */
const bridge: unique symbol = Symbol.for("microrun.exports") as never;
const url = "microrun:exports";
/** Keeps a `.proto` imported for its path apart from the same one imported as text. */
const asPath = "?path";

export function denoRuntime(): Runtime {
  const deno = (globalThis as unknown as { Deno: DenoGlobal }).Deno;
  return {
    name: "deno",
    version: deno.version.deno,
    compiled: false,
    prepare: async (exports) => offerImports(exports),
    watch: (args) =>
      runAgain(deno.execPath(), ["run", "-A", "--watch", "--no-clear-screen", deno.mainModule, ...args]),
  };
}

function offerImports(exports: Record<string, unknown>): void {
  Object.assign(globalThis, { [bridge]: exports });
  const names = Object.keys(exports).join(", ");
  const source = `export const { ${names} } = globalThis[Symbol.for("microrun.exports")];`;
  (nodeModule as unknown as Hooks).registerHooks({
    resolve(specifier, context, next) {
      if (specifier === "microrun") return { url, shortCircuit: true };
      const found = next(specifier, context);
      const plain = found.url?.endsWith(".proto") && context.importAttributes?.type === undefined;
      return plain ? { ...found, url: found.url + asPath } : found;
    },
    load(loaded, context, next) {
      if (loaded === url) return { format: "module", source, shortCircuit: true };
      // once there are hooks, Deno forgets that what a package requires may be JSON
      if (loaded.endsWith(".json")) return { ...next(loaded, context), format: "json" };
      if (!loaded.endsWith(asPath)) return next(loaded, context);
      const path = fileURLToPath(loaded.slice(0, -asPath.length));
      const text = readFileSync(path, "utf8");
      const proto = `export default ${JSON.stringify(path)}; export const text = ${JSON.stringify(text)};`;
      return { format: "module", source: proto, shortCircuit: true };
    },
  });
}

/** How long a signalled program may take to stop; Deno's watcher itself then still waits for changes. */
const maxStopMs = 1000;

function runAgain(program: string, args: readonly string[]): Promise<number> {
  const child = spawn(program, args, { stdio: "inherit" });
  const stop = (signal: NodeJS.Signals): void => {
    if (signal === "SIGTERM") child.kill(signal); // a terminal's Ctrl-C reaches both
    // Deno: child.kill() works only once
    setTimeout(() => process.kill(child.pid!, "SIGKILL"), maxStopMs);
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
  return new Promise((done, fail) => {
    child.on("error", fail).on("exit", (code) => done(code ?? 1));
  });
}
