/** The JSR package: the public face and the sources that it reaches, as `deno publish` takes them. */
import { mkdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import ts from "typescript";
import manifest from "../../package.json" with { type: "json" };
import { documents } from "./documents.ts";

const root = join(import.meta.dir, "../..");

export async function writeJsrPackage(folder: string): Promise<void> {
  const packages = new Set<string>();
  const files = new Map<string, string>();
  await collect(join(import.meta.dir, "module.ts"), files, packages);
  for (const [path, text] of files) {
    const outfile = join(folder, placeOf(path));
    await mkdir(dirname(outfile), { recursive: true });
    await Bun.write(outfile, path.endsWith("/module.ts") ? text.replaceAll('"../../src/', '"./src/') : text);
  }
  const versions: Readonly<Record<string, string>> = manifest.dependencies;
  const imports = [...packages].sort().map((name) => [name, `npm:${name}@${versions[name]}`]);
  const { name, version, license } = manifest;
  const settings = {
    name: `@${name}/${name}`,
    version,
    license,
    exports: "./mod.ts",
    imports: Object.fromEntries(imports),
  };
  await Bun.write(join(folder, "jsr.json"), `${JSON.stringify(settings, null, 2)}\n`);
  for (const { path, content } of await documents()) await Bun.write(join(folder, path), content);
}

/** The face of the package is its `mod.ts`; the sources lie as they do here. */
function placeOf(path: string): string {
  return path.endsWith("release/module.ts") ? "mod.ts" : relative(root, path);
}

/** Of types too, which a bundler would not see. */
async function collect(path: string, files: Map<string, string>, packages: Set<string>): Promise<void> {
  if (files.has(path)) return;
  const text = await Bun.file(path).text();
  files.set(path, text);
  for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles) {
    if (fileName.startsWith(".")) await collect(join(dirname(path), fileName), files, packages);
    else if (!fileName.startsWith("node:")) packages.add(fileName);
  }
}
