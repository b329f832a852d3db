/** Files as a tree: the folders that they lie in, and an order that is the same everywhere. */
import { dirname } from "node:path";
import type { TarEntry } from "./tar.ts";

/** Sorted by path, each folder before what is in it; folders that are not said are made. */
export function withFolders(entries: readonly TarEntry[]): TarEntry[] {
  const all = new Map<string, TarEntry>();
  for (const { path } of entries) {
    for (let folder = dirname(path); folder !== "."; folder = dirname(folder))
      all.set(folder, { path: folder, type: "folder", mode: 0o755 });
  }
  for (const entry of entries) all.set(entry.path, entry);
  // by their bytes: what a locale says differs
  return [...all.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
}
