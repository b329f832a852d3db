/** A service as one executable that needs nothing beside it. */
import { stat } from "node:fs/promises";
import { dirname, join, parse, relative, resolve } from "node:path";
import { usageError } from "../errors.ts";
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
  const outfile = resolve(path);

  const project = await readProject(options, reader);
  await checkOutput(path, project);
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

async function checkOutput(path: string, { entry, files }: Project): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory())
    throw usageError(`cannot write ${path}: it is a folder`, "name a file: -o greeter");
  if ([entry, ...files].includes(resolve(path)))
    throw usageError(
      `cannot write ${path}: it is one of the files that are built`,
      "name another: -o greeter",
    );
}

function placeOf(file: string, { root }: Project): string {
  return posix(join(inside, relative(root, file)));
}

function mainText({ module, proto }: Project, name: string): string {
  const at = (path: string) => `join(import.meta.dirname, ${JSON.stringify(`${inside}/${path}`)})`;
  return [
    `import { join } from "node:path";`,
    `import { begin } from "microrun:program";`,
    `await begin({ built: { module: ${at(module)}, name: ${JSON.stringify(name)}, proto: [${proto.map(at).join(", ")}] } });`,
    "",
  ].join("\n");
}
