/** `microrun types`: declarations for the editor and tsc; nothing of it is read when a service runs. */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, parse } from "node:path";
import { MicrorunError, usageError } from "../errors.ts";
import { grpc } from "../plugins.ts";
import { shipping } from "../shipping.ts";
import type { Input } from "./command/command.ts";
import { version } from "./command/self.ts";
import { written } from "./command/written.ts";
import publicTypes from "./microrun.d.ts.txt" with { type: "text" };

export async function start({ words }: Input): Promise<number> {
  const [module] = words;
  const protos = module === undefined ? [] : await protosOf(module);
  const folder = nearestProject(module === undefined ? "." : dirname(module));
  const paths = [await written("types", writePublicTypes(folder))];
  if (module !== undefined && protos.length > 0)
    paths.push(await written("types", writeModuleTypes(module, protos)));
  process.stdout.write(paths.map((path) => `wrote ${path}\n`).join(""));
  if (module !== undefined && protos.length === 0)
    process.stderr.write(`${module} has no .proto: no types of messages\n`);
  return 0;
}

/** Types of `import … from "microrun"`, where editors and tsc look for a package's. @returns the folder written */
export async function writePublicTypes(folder: string): Promise<string> {
  const target = join(folder, "node_modules/microrun");
  const manifest = {
    name: "microrun",
    version,
    description:
      "Types of the microrun executable; npm install removes them, microrun types writes them again",
    types: "./index.d.ts",
  };
  const old = await readFile(join(target, "package.json"), "utf8").catch(() => undefined);
  if (old !== undefined && !old.includes(JSON.stringify(manifest.description))) {
    throw new MicrorunError("already_exists", `types: ${target} is an installed package`, {
      hint: "remove it: the executable brings its own",
    });
  }
  await mkdir(target, { recursive: true });
  await writeFile(join(target, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  await writeFile(join(target, "index.d.ts"), publicTypes);
  return target;
}

/** Types of a schema's messages, handlers and clients, beside the module. @returns the file written */
export async function writeModuleTypes(module: string, protos: readonly string[]): Promise<string> {
  const { protoTypes } = await grpc.types();
  const { dir, name } = parse(module);
  const target = join(dir, `${name}.types.ts`);
  await writeFile(target, await protoTypes(protos));
  return target;
}

/** A `.proto` itself, those that the module's text names, or the one of the same stem. The module is not run for it. */
async function protosOf(module: string): Promise<string[]> {
  const { protosNamedIn } = await shipping.protos();
  const there = await protosNamedIn(module).catch(() => {
    throw usageError(`types: cannot read ${module}`, "give the path of a module or a .proto");
  });
  const { dir, name, ext } = parse(module);
  if (ext === ".proto") return [module];
  const beside = join(dir, `${name}.proto`);
  return there.length > 0 || !existsSync(beside) ? there : [beside];
}

/** Where packages are looked for from `folder`: the nearest one above that holds any, or a package.json. */
function nearestProject(folder: string): string {
  for (let at = folder; ; at = join(at, "..")) {
    if (["package.json", "node_modules", "tsconfig.json"].some((name) => existsSync(join(at, name))))
      return at;
    if (parse(join(process.cwd(), at)).root === join(process.cwd(), at)) return folder;
  }
}
