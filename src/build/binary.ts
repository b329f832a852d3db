/** A service as one executable that needs nothing beside it. */
import { stat } from "node:fs/promises";
import { basename, dirname, join, parse, relative } from "node:path";
import { usageError } from "../errors.ts";
import { outputFile } from "../output-file.ts";
import { type BunOptions, bunExecutable, extension } from "./bun-executable.ts";
import { explained } from "./bundler.ts";
import { inside, writeExecutable } from "./executable.ts";
import { importPlugin, posix } from "./import-plugin.ts";
import type { ModuleReader } from "./module-reader.ts";
import { programText } from "./program.ts";
import { type BundleOptions, type Project, readProject } from "./project.ts";
import { ownTarget, type Target } from "./targets.ts";

export interface BinaryOptions extends BundleOptions, Omit<BunOptions, "target"> {
  /** @default the module's stem, in the current folder */
  readonly outfile?: string;
  /** @default this machine's */
  readonly target?: Target;
}

export interface Binary {
  /** As it was asked for. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  readonly target: Target;
  readonly notes: readonly string[];
}

/** @throws MicrorunError `invalid_argument`; or what the file system says against the output */
export async function buildBinary(options: BinaryOptions, reader: ModuleReader): Promise<Binary> {
  const own = await ownTarget().catch(() => undefined);
  const target = options.target ?? own ?? (await ownTarget());
  const { name } = parse(options.module);
  const path = named(options.outfile ?? name, target);

  const project = await readProject(options, reader);
  const sources = [...project.sources, ...project.files];
  const outfile = await outputFile(path, { example: "-o greeter", sources });
  if (target !== own && project.addons.length > 0)
    throw usageError(
      `cannot build for ${target.name}: ${project.addons[0]} is a native addon of this machine's`,
      "build it on a machine of that platform",
    );
  const isOwn = target === own && options.bun === undefined;
  const bun = isOwn ? undefined : await bunExecutable({ ...options, target });
  const program = await programText();

  const { entry, module } = project;
  const service = {
    entry,
    path: `${inside}/${module}`,
    main: mainText(project, name),
    files: new Map(project.files.map((file) => [placeOf(file, project), file])),
    plugin: importPlugin(dirname(entry)).plugin,
    minify: options.minify ?? false,
  };
  await explained(entry, reader, () =>
    writeExecutable({
      program,
      outfile,
      target,
      service,
      signal: options.signal,
      ...(bun === undefined ? {} : { bun }),
    }),
  );
  return { path, size: (await stat(outfile)).size, target, notes: project.notes };
}

function named(outfile: string, target: Target): string {
  const end = extension(target);
  return outfile.toLowerCase().endsWith(end) ? outfile : outfile + end;
}

function placeOf(file: string, { root }: Project): string {
  return posix(join(inside, relative(root, file)));
}

function mainText({ entry, module, proto }: Project, name: string): string {
  const at = (path: string) => `join(import.meta.dirname, ${JSON.stringify(`${inside}/${path}`)})`;
  const built = `module: ${at(module)}, source: ${JSON.stringify(basename(entry))}, name: ${JSON.stringify(name)}`;
  return [
    `import { join } from "node:path";`,
    `import { begin } from "microrun:program";`,
    `await begin({ built: { ${built}, proto: [${proto.map(at).join(", ")}] } });`,
    "",
  ].join("\n");
}
