/** The command that signs an image: somebody else's program, started without a shell. */
import { spawn } from "node:child_process";
import { errorText, MicrorunError, usageError } from "../errors.ts";
import type { Environment } from "./values.ts";

interface Circumstances {
  readonly env: Environment;
  readonly signal: AbortSignal;
}

/** What it says goes to stderr: stdout is the answer's. @param reference its last word */
export async function sign(
  command: string,
  reference: string,
  { env, signal }: Circumstances,
): Promise<void> {
  const [program, ...words] = command.split(/\s+/).filter((word) => word !== "");
  if (program === undefined) throw usageError("--sign: names no command", "write --sign 'cosign sign --yes'");
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
    throw failed(
      (error as NodeJS.ErrnoException).code === "ENOENT" ? "no such command" : errorText(error),
      error,
    );
  });
  if (ended !== "0") throw failed(`ended with ${ended}`);
}
