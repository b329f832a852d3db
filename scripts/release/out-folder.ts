/** The folder of a release: an earlier one gives way, nothing else does. */
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorText, MicrorunError, usageError } from "../../src/errors.ts";

/** Is there from the beginning, so that one that broke off is known again. */
export const checksums = "SHA256SUMS";

const released = /^(SHA256SUMS|executables|jsr|npm|microrun-\d.*)$/;

/** @throws MicrorunError `invalid_argument` when it holds something else */
export async function makeFolder(out: string): Promise<void> {
  const names: readonly string[] = await readdir(out).catch(({ code }: NodeJS.ErrnoException) => {
    if (code === "ENOENT") return [];
    if (code === "ENOTDIR") throw usageError(`--out=${out}: it is a file`, "name a folder");
    throw notWritable(out, code);
  });
  const stranger =
    names.length > 0 && !names.includes(checksums) ? names[0] : names.find((name) => !released.test(name));
  if (stranger !== undefined)
    throw usageError(
      `--out=${out}: it holds ${stranger}, which is of no earlier release`,
      "name an empty folder, or one that is not there",
    );
  try {
    await Promise.all(names.map((name) => rm(join(out, name), { recursive: true })));
    await mkdir(out, { recursive: true });
    await writeFile(join(out, checksums), "");
  } catch (error) {
    throw notWritable(out, error);
  }
}

function notWritable(out: string, error: unknown): MicrorunError {
  return new MicrorunError("permission_denied", `--out=${out}: ${errorText(error)}`, {
    hint: "name a folder that this user may write to",
    cause: error,
  });
}
