/** The npm packages: `microrun`, and one for each platform, of which npm installs the one that fits (as esbuild's). */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import ts from "typescript";
import manifest from "../../package.json" with { type: "json" };
import { inFolder } from "../../src/build/bundler.ts";
import type { Target } from "../../src/build/targets.ts";
import { typesFile } from "../types.ts";
import { json, made, type PackedFile, writeTarball } from "./archive.ts";
import { documents, licence } from "./documents.ts";

const root = join(import.meta.dir, "../..");
const { name, version, description, license } = manifest;

/** @returns the tarballs' paths, the platforms' first: `microrun` cannot be installed before they are there */
export async function writeNpmPackages(
  folder: string,
  executables: ReadonlyMap<Target, string>,
): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const written: string[] = [];
  const pack = async (stem: string, files: readonly PackedFile[]): Promise<void> => {
    const outfile = join(folder, `${stem}-${version}.tgz`); // what `npm pack` calls them
    await writeTarball(
      outfile,
      files.map((file) => ({ ...file, path: `package/${file.path}` })),
    );
    written.push(outfile);
  };
  for (const [target, executable] of executables)
    await pack(`microrun-${target.name}`, platformPackage(target, executable));
  await pack(name, await mainPackage([...executables.keys()]));
  return written;
}

function platformPackage({ name: platform, os, arch, libc }: Target, executable: string): PackedFile[] {
  const program = os === "windows" ? "bin/microrun.exe" : "bin/microrun";
  return [
    json("package.json", {
      name: `@microrun/${platform}`,
      version,
      description: `microrun for ${platform}`,
      license,
      os: [os === "windows" ? "win32" : os],
      cpu: [arch],
      ...(libc === undefined ? {} : { libc: [libc] }),
      preferUnplugged: true,
    }),
    made("README.md", `The executable that the package \`${name}\` runs on ${platform}: install that one.\n`),
    licence(),
    { path: program, mode: 0o755, content: Bun.file(executable) },
  ];
}

async function mainPackage(targets: readonly Target[]): Promise<PackedFile[]> {
  const launcher = await Bun.file(join(import.meta.dir, "launcher.ts")).text();
  return [
    json("package.json", {
      name,
      version,
      description,
      license,
      type: "module",
      engines: { node: ">=18" },
      bin: { microrun: "launcher.js" },
      types: "./microrun.d.ts",
      exports: {
        ".": { types: "./microrun.d.ts", default: "./microrun.js" },
        "./package.json": "./package.json",
      },
      optionalDependencies: Object.fromEntries(
        targets.map((target) => [`@microrun/${target.name}`, version]),
      ),
    }),
    ...(await documents()),
    made("launcher.js", `#!/usr/bin/env node\n${plainJavaScript(launcher)}`, 0o755),
    made("microrun.js", await moduleText()),
    { path: "microrun.d.ts", mode: 0o644, content: Bun.file(typesFile) },
  ];
}

function plainJavaScript(text: string): string {
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  return ts.transpileModule(text, { compilerOptions: options }).outputText;
}

async function moduleText(): Promise<string> {
  const entrypoints = [join(import.meta.dir, "module.ts")];
  // sources are named relative to the current folder
  const built = await inFolder(root, () =>
    Bun.build({ entrypoints, target: "node", format: "esm", env: "disable" }),
  );
  return built.outputs[0]!.text();
}
