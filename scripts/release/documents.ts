/** What is read: the licence, README, and all that its links lead to. */
import { join } from "node:path";
import type { PackedFile } from "./archive.ts";

const root = join(import.meta.dir, "../..");

export async function documents(): Promise<readonly PackedFile[]> {
  const readme = await Bun.file(join(root, "README.md")).text();
  const linked = [...readme.matchAll(/\]\(([^):#]+)/g)].map(([, path]) => path!);
  return [...new Set(["LICENSE", "README.md", ...linked.sort()])].map(document);
}

export function licence(): PackedFile {
  return document("LICENSE");
}

function document(path: string): PackedFile {
  return { path, mode: 0o644, content: Bun.file(join(root, path)) };
}
