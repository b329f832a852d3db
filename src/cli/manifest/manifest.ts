/** `microrun manifest`: what Kubernetes needs to run a module, as YAML to apply or as files. */
import { usageError } from "../../errors.ts";
import { shipping } from "../../shipping.ts";
import type { Input } from "../command/command.ts";
import { plain } from "../command/output.ts";
import { written } from "../command/written.ts";
import { fileFlags, imageFlags, placeFlags } from "../flags/manifest-flags.ts";
import { readFlags } from "../flags/values.ts";
import { writeFolder } from "./manifest-folder.ts";
import { readWorkload } from "./workload.ts";

export async function start({ words, given, rest }: Input): Promise<number> {
  const [module] = words;
  if (module === undefined)
    throw usageError("manifest: requires a module", "write microrun manifest ./greeter.ts");
  const { image, namespace = "default" } = readFlags({ ...imageFlags, ...placeFlags }, given, {});
  const { output, kustomize } = readFlags(fileFlags, given, {});
  if (kustomize && output === undefined)
    throw usageError("--kustomize: makes a file among others", "name their folder, such as -o deploy");
  const { facts, objects, notes } = await readWorkload({
    command: "manifest",
    module,
    given,
    rest,
    image,
    namespace,
  });
  const imageNote = `the image is ${facts.image}, from the name and the version: --image names another`;
  for (const note of [...notes, ...(image === undefined && !kustomize ? [imageNote] : [])])
    process.stderr.write(`note: ${plain(note)}\n`);
  const { manifestFiles, manifestText } = await shipping.manifestFiles();
  if (output === undefined) {
    process.stdout.write(manifestText(objects));
    return 0;
  }
  const files = manifestFiles(objects, kustomize ? facts.image : undefined);
  const lines = await written("manifest", writeFolder(output, files, facts.name));
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
  return 0;
}
