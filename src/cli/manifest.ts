/** `microrun manifest`: what Kubernetes needs to run a module, as YAML to apply or as files. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { usageError } from "../errors.ts";
import { shipping } from "../plugins.ts";
import type { Input } from "./command.ts";
import { fileFlags, imageFlags, placeFlags } from "./manifest-flags.ts";
import { readFlags } from "./values.ts";
import { readWorkload } from "./workload.ts";
import { written } from "./written.ts";

export async function start({ words, given, rest }: Input): Promise<number> {
  const [module] = words;
  if (module === undefined)
    throw usageError("manifest: requires a module", "write microrun manifest ./greeter.ts");
  const { image, namespace = "default" } = readFlags({ ...imageFlags, ...placeFlags }, given, {});
  const { output, kustomize } = readFlags(fileFlags, given, {});
  if (kustomize && output === undefined)
    throw usageError("--kustomize: makes a file among others", "name their folder, such as -o deploy");
  const { facts, objects } = await readWorkload({
    command: "manifest",
    module,
    given,
    rest,
    image,
    namespace,
  });
  const { manifestFiles, manifestText } = await shipping.manifestFiles();
  if (output === undefined) {
    process.stdout.write(manifestText(objects));
    return 0;
  }
  const files = manifestFiles(objects, kustomize ? facts.image : undefined);
  const paths = await written("manifest", write(output, files));
  process.stdout.write(paths.map((path) => `wrote ${path}\n`).join(""));
  return 0;
}

async function write(
  folder: string,
  files: readonly { readonly name: string; readonly text: string }[],
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const paths = files.map(({ name }) => join(folder, name));
  for (const [at, { text }] of files.entries()) await writeFile(paths[at]!, text);
  return paths;
}
