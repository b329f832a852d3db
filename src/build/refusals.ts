/** What a module may not ask of a bundle: refused when it is made, as it would be when it runs. */
import { relative, sep } from "node:path";
import { usageError } from "../errors.ts";
import { explained } from "./bundler.ts";
import { isNameless } from "./class-names.ts";
import type { Fault } from "./faults.ts";
import type { Imported } from "./import-plugin.ts";
import type { ModuleReader } from "./module-reader.ts";
import { isSecret } from "./secrets.ts";

/** @param module absolute path @throws MicrorunError `invalid_argument` */
export async function refuseFaults(
  { faults }: Imported,
  module: string,
  reader: ModuleReader,
): Promise<void> {
  const [fault] = faults;
  if (fault === undefined) return;
  const { kind, specifier, referrer } = fault;
  // as the bundler would have thrown it
  if (kind === "unresolved")
    return explained(module, reader, () => Promise.reject({ position: null, specifier, referrer }));
  const place = relative(process.cwd(), referrer);
  throw usageError(`cannot bundle ${place}: ${reasons[kind]} ${specifier}`, hints[kind](specifier));
}

type Other = Exclude<Fault["kind"], "unresolved">;

const reasons: Record<Other, string> = {
  database: "no database is embedded, it imports",
  page: "a page has no meaning of its own here, it imports",
};

const hints: Record<Other, (specifier: string) => string> = {
  database: () => 'open it by its path when the service runs:  new Database("/data/app.db")',
  page: (specifier) =>
    `say as what:  import page from "${specifier}" with { type: "text" }, or "file" for its path`,
};

/** @param files absolute paths of all that goes in @param folder of the module */
export function refuseSecrets(files: readonly string[], folder: string): void {
  const file = files
    .map((path) => relative(folder, path))
    .find((path) => isSecret(path) && !path.split(sep).includes("node_modules"));
  if (file === undefined) return;
  throw usageError(
    `the module imports ${file}, which looks like a secret`,
    "read it when the service runs: from a variable, a mounted file or --config",
  );
}

/** @param module as people wrote it */
export function refuseNameless(module: string, entry: string, code: string): void {
  if (isNameless(entry, code))
    throw usageError(
      `cannot bundle ${module}: the class it exports has no name`,
      "name it: the service is called so",
    );
}
