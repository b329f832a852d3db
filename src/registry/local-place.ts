/** Where the processes of one user on one machine find each other. */
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { usageError } from "../errors.ts";

/** @param addresses a folder, if it shall be another than the usual one @throws MicrorunError `invalid_argument` */
export function localPlace(
  addresses: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): string {
  const [folder, ...more] = addresses;
  const runtime = env.XDG_RUNTIME_DIR;
  if (folder === undefined)
    return runtime ? join(runtime, "microrun") : join(tmpdir(), `microrun-${process.getuid?.() ?? "user"}`);
  if (isAbsolute(folder) && more.length === 0) return folder;
  throw usageError(
    `--registry_address=${addresses.join(",")}: local takes one folder`,
    "give the absolute path of a folder of your own",
  );
}
