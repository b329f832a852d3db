/** A project as its place says: the microrun.yaml that is named or lies in the folder, else the folder's modules. */
import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { usageError } from "../errors.ts";
import type { Project, ReadModuleText } from "./dev.ts";
import { readProjectFile } from "./project-file.ts";
import { readProjectFolder } from "./project-folder.ts";

const fileNames = ["microrun.yaml", "microrun.yml"];

/**
 * @param before what was read last
 * @throws MicrorunError `invalid_argument`
 */
export async function readProject(
  place: string,
  readModule: ReadModuleText,
  before?: Project,
): Promise<Project> {
  const path = resolve(place);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined)
    throw usageError(`dev: no such file or folder: ${place}`, "name a folder of modules, or a microrun.yaml");
  if (!found.isDirectory()) {
    if (/\.ya?ml$/.test(path)) return readProjectFile(path, readModule);
    throw usageError(
      `dev: ${place} is neither a folder nor YAML`,
      `for one module run microrun ${place} --watch`,
    );
  }
  const file = fileNames.map((name) => join(path, name)).find((name) => existsSync(name));
  if (file !== undefined) return readProjectFile(file, readModule);
  const kept = (before?.services ?? []).map(({ module = "" }) => module.replace(/^\.\//, ""));
  return readProjectFolder(path, readModule, new Set(kept));
}
