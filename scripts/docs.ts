/** Writes what is made from the source: docs/flags.md, and the public types that `microrun types` hands out. */
import { join } from "node:path";
import { flagReference } from "../src/cli/reference.ts";
import { publicTypes, typesFile } from "./types.ts";

export const flagsFile: string = join(import.meta.dir, "../docs/flags.md");

if (import.meta.main) {
  await Bun.write(flagsFile, flagReference());
  await Bun.write(typesFile, publicTypes());
}
