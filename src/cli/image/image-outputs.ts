/** The files that an image ends in, checked before anything is pushed whose digest would then be lost. */
import { access, open, rm } from "node:fs/promises";
import { outputFile } from "../../output-file.ts";
import { written } from "../command/written.ts";

interface Output {
  readonly path: string;
  readonly form: "archive" | "layout";
}

interface Outputs {
  readonly output: Output | undefined;
  readonly digestFile?: string | undefined;
}

interface CheckOptions extends Outputs {
  readonly command: string;
  /** Absolute paths of all that the image is made of. */
  readonly sources: readonly string[];
}

/** @returns the same, symbolic links to files followed */
export async function checkOutputs({ output, digestFile, command, sources }: CheckOptions): Promise<Outputs> {
  const checked = {
    output:
      output?.form === "archive"
        ? { ...output, path: await outputFile(output.path, { example: "-o greeter.tar", sources }) }
        : output,
    digestFile:
      digestFile === undefined
        ? undefined
        : await outputFile(digestFile, { example: "--digest-file greeter.digest", sources }),
  };
  if (checked.digestFile !== undefined) await written(command, tryFile(checked.digestFile));
  return checked;
}

/** Leaves all as it was. */
async function tryFile(path: string): Promise<void> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  const file = await open(path, "a");
  await file.close();
  if (!isThere) await rm(path);
}
