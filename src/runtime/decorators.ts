/** Legacy (TypeScript's own) decorators on Bun: at run time it ignores the module's tsconfig.json and drops some silently, its bundler does not. */
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

/** Whether the tsconfig.json nearest to `module` asks for them. Bun's bundler is asked, so that `extends` means what it means there. */
export async function hasLegacyDecorators(module: string): Promise<boolean> {
  const text = await nearestTsconfig(dirname(resolve(module)));
  if (!/experimentalDecorators|extends/.test(text)) return false;
  const probe = join(dirname(resolve(module)), "__microrun_probe.ts");
  const build = await Bun.build({
    entrypoints: [probe],
    files: { [probe]: "export default @d class {}" },
    throw: false,
  });
  return build.success && /legacyDecorate/.test(await build.outputs[0]!.text());
}

/** Each TypeScript file outside node_modules follows the tsconfig.json nearest to it; traces keep its own lines. */
export function offerLegacyDecorators(): void {
  Bun.plugin({
    name: "decorators",
    setup(build) {
      const filter = /^(?!.*[/\\]node_modules[/\\]).*\.[cm]?tsx?$/;
      build.onLoad({ filter }, async ({ path }) => ({ contents: await transpiled(path), loader: "js" }));
    },
  });
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

async function nearestTsconfig(folder: string): Promise<string> {
  const text = await readFile(join(folder, "tsconfig.json"), "utf8").catch(() => undefined);
  if (text !== undefined) return text;
  return dirname(folder) === folder ? "" : nearestTsconfig(dirname(folder));
}
