/** Whether files can be read: told before they are, as errors of reading and of writing look alike. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { errorText, usageError } from "../errors.ts";

/** @param named how people know them @throws MicrorunError `invalid_argument` */
export async function checkReadable(
  files: readonly string[],
  named: (file: string) => string,
): Promise<void> {
  for (const file of files) {
    await access(file, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
      const why = error.code === "EACCES" ? "permission denied" : errorText(error);
      throw usageError(`cannot read ${named(file)}: ${why}`, "make it readable for this user");
    });
  }
}
