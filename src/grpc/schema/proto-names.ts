/** What the files of a schema are called: as they are imported, by protoc's rule a path below a folder of imports. */
import { basename, isAbsolute, relative, resolve } from "node:path";

interface File {
  name: string;
  readonly path: string;
  readonly dependencies: readonly File[];
}

/** Names the files that nothing has imported. */
export function nameRoots(files: readonly File[], importPaths: readonly string[]): void {
  const unnamed = files.filter((file) => file.name === "");
  for (const file of unnamed) file.name = ownName(file, importPaths);
  const alike = unnamed.filter((file) => files.some((other) => other !== file && other.name === file.name));
  for (const file of alike)
    file.name = longerName(
      file.name,
      file.path,
      files.filter((other) => other !== file),
    );
}

/** Two folders may each have a types.proto: the second is told by its folder, `y/types.proto`. */
export function freeName(name: string, path: string, others: readonly File[]): string {
  return others.every((other) => other.name !== name) ? name : longerName(name, path, others);
}

function longerName(name: string, path: string, others: readonly File[]): string {
  const parts = partsOf(path);
  for (let count = name.split("/").length + 1; count <= parts.length; count++) {
    const longer = parts.slice(-count).join("/");
    const taken = others.some(
      (other) => other.name === longer || partsOf(other.path).slice(-count).join("/") === longer,
    );
    if (!taken) return longer;
  }
  return path;
}

function partsOf(path: string): string[] {
  return resolve(path).split(/[\\/]/);
}

/** What others would import a root file as: its path below the folder that its own imports are relative to. */
function ownName(file: File, importPaths: readonly string[]): string {
  const imported = file.dependencies
    .filter((dependency) => dependency.path !== dependency.name && dependency.path.endsWith(dependency.name))
    .map((dependency) => dependency.path.slice(0, -dependency.name.length) || ".");
  for (const folder of [...importPaths, ...imported]) {
    const name = relative(folder, file.path);
    if (name !== "" && !name.startsWith("..") && !isAbsolute(name)) return name.replaceAll("\\", "/");
  }
  return basename(file.path);
}
