/** Legacy (TypeScript's own) decorators and JSX settings on Bun: at run time it ignores the module's tsconfig.json, its bundler does not. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

/** How many tsconfig.json files may extend one another. */
const maxExtended = 16;

/** Each file outside node_modules follows the tsconfig.json nearest to it; traces keep its own lines. */
export async function offerTranspiler(module: string): Promise<void> {
  const extensions = await misread(module);
  if (extensions === undefined) return;
  Bun.plugin({
    name: "transpile",
    setup(build) {
      const filter = new RegExp(String.raw`^(?!.*[/\\]node_modules[/\\]).*\.${extensions}$`);
      build.onLoad({ filter }, async ({ path }) => ({ contents: await transpiled(path), loader: "js" }));
    },
  });
}

/** The extensions that the tsconfig.json nearest to `module` has a say about. */
async function misread(module: string): Promise<string | undefined> {
  const file = nearestTsconfig(dirname(resolve(module)));
  const asked: CompilerOptions = file === undefined ? {} : await compilerOptions(file, maxExtended);
  const hasJsx = Object.keys(asked).some((option) => option.startsWith("jsx"));
  if (asked.experimentalDecorators === true) return hasJsx ? "([cm]?tsx?|jsx)" : "[cm]?tsx?";
  return hasJsx ? "[jt]sx" : undefined;
}

async function transpiled(path: string): Promise<string> {
  const build = await Bun.build({
    entrypoints: [path],
    target: "bun",
    sourcemap: "inline",
    plugins: [
      {
        name: "one file",
        setup(build) {
          build.onResolve({ filter: /.*/ }, ({ path, kind }) =>
            kind.startsWith("entry") ? undefined : { path, external: true },
          );
        },
      },
    ],
  });
  const text = await build.outputs[0]!.text();
  // The bundler names the source relative to the current folder; the stack needs the whole path.
  const start = text.lastIndexOf("base64,") + "base64,".length;
  const map = JSON.parse(Buffer.from(text.slice(start), "base64").toString());
  return text.slice(0, start) + Buffer.from(JSON.stringify({ ...map, sources: [path] })).toString("base64");
}

function nearestTsconfig(folder: string): string | undefined {
  const file = join(folder, "tsconfig.json");
  if (existsSync(file)) return file;
  return dirname(folder) === folder ? undefined : nearestTsconfig(dirname(folder));
}

/** A file's own word beats those it extends; of these the last beats the others. */
async function compilerOptions(file: string, left: number): Promise<CompilerOptions> {
  const tsconfig = await readTsconfig(file);
  let options: CompilerOptions = {};
  for (const base of left > 0 ? [tsconfig.extends ?? []].flat() : []) {
    options = { ...options, ...(await compilerOptions(extended(base, dirname(file)), left - 1)) };
  }
  return { ...options, ...tsconfig.compilerOptions };
}

type CompilerOptions = Readonly<Record<string, unknown>>;

interface Tsconfig {
  readonly compilerOptions?: CompilerOptions;
  readonly extends?: string | readonly string[];
}

/** One that cannot be read is Bun's to complain of. */
async function readTsconfig(file: string): Promise<Tsconfig> {
  const text = await readFile(file, "utf8").catch(() => "");
  try {
    return (Bun.JSONC.parse(text) as Tsconfig) ?? {};
  } catch {
    return {};
  }
}

/** A path, with or without `.json`, or a package's file. */
function extended(base: string, folder: string): string {
  for (const name of [base, `${base}.json`, `${base}/tsconfig.json`]) {
    if (/^[./]/.test(base)) {
      const file = resolve(folder, name);
      if (file.endsWith(".json") && existsSync(file)) return file;
      continue;
    }
    try {
      return Bun.resolveSync(name, folder);
    } catch {}
  }
  return base;
}
