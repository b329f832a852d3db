/** The whole of microrun as one text, from which its executables are made. */
import { join } from "node:path";
import { MicrorunError } from "../errors.ts";
import { neutral } from "./bundler.ts";

/** What it exports: `begin`. */
export type Program = string;

/** The name of that text among the files embedded in the microrun executable. */
export const programFile = "microrun-program.txt";

/** @throws MicrorunError `failed_precondition` in an executable that does not hold it */
export async function programText(): Promise<Program> {
  const embedded = Bun.embeddedFiles.find((file) => (file as File).name === programFile);
  if (embedded !== undefined) return embedded.text();
  if (Bun.isStandaloneExecutable)
    throw new MicrorunError("failed_precondition", "this executable cannot make others", {
      hint: "use the microrun executable of a release",
    });
  return bundleProgram(join(import.meta.dirname, "../begin.ts"));
}

/** @param begin path of src/begin.ts */
export async function bundleProgram(begin: string): Promise<Program> {
  const { outputs } = await Bun.build({ ...neutral, entrypoints: [begin], minify: true });
  return outputs[0]!.text();
}
