/** The `.proto` files that a source names, read from its text: the module is not run for it. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** @param folders what the names are relative to @returns absolute paths of those that exist */
export async function protosNamedIn(
  source: string,
  folders: readonly string[] = [dirname(source)],
): Promise<string[]> {
  const text = await readFile(source, "utf8");
  const named = [...text.matchAll(/["'`]([^"'`\n]+\.proto)["'`]/g)].map(([, path]) => path!);
  const paths = folders.flatMap((folder) => named.map((path) => resolve(folder, path)));
  return [...new Set(paths)].filter((path) => existsSync(path));
}
