/** The command that signs an image: somebody else's program, started without a shell. */
import { spawn } from "node:child_process";
import { errorText, MicrorunError, usageError } from "../../errors.ts";
import type { Environment } from "../flags/values.ts";

interface Circumstances {
  readonly env: Environment;
  readonly signal: AbortSignal;
}

/** @returns the program and its words @throws MicrorunError `invalid_argument`: it is looked for before anything is pushed */
export function readSigner(command: string, { PATH = "" }: Environment): readonly string[] {
  if (/["']/.test(command.replaceAll(/"[^"]*"|'[^']*'/g, "")))
    throw usageError(`--sign=${command}: a quote is not closed`, "close it, or leave it out");
  const words = [...command.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"),
  );
  const [program] = words;
  if (program === undefined) throw usageError("--sign: names no command", "write --sign 'cosign sign --yes'");
  if (Bun.which(program, { PATH }) === null)
    throw usageError(`--sign: ${program}: no such command`, "install it, or name it by its path");
  return words;
}

/** What it says goes to stderr: stdout is the answer's. @param reference its last word */
export async function sign(
  [program = "", ...words]: readonly string[],
  reference: string,
  { env, signal }: Circumstances,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(program, [...words, reference], { env, signal, stdio: ["inherit", 2, 2] });
  child.once("error", reject);
  child.once("exit", (code, killed) => resolve(killed ?? String(code)));
  const failed = (why: string, cause?: unknown) =>
    new MicrorunError(
      "failed_precondition",
      `--sign: ${program}: ${why}; ${reference} is pushed, and not signed`,
      {
        hint: "mend that, and run the command on the reference",
        ...(cause === undefined ? {} : { cause }),
      },
    );
  const ended = await promise.catch((error: unknown) => {
    throw failed(errorText(error), error);
  });
  if (ended !== "0") throw failed(`ended with ${ended}`);
}
