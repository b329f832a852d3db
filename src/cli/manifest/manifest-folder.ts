/** A folder of manifests: what is written into it, and what an earlier run wrote there that is no more. */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readYaml } from "../../yaml.ts";

export interface FolderFile {
  readonly name: string;
  readonly text: string;
}

/** @param service whose objects they are @returns a line for each file, for people */
export async function writeFolder(
  folder: string,
  files: readonly FolderFile[],
  service: string,
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const old = await filesOf(folder, service);
  for (const { name, text } of files) await writeFile(join(folder, name), text);
  const names = files.map(({ name }) => name);
  const over = old.filter((name) => !names.includes(name));
  for (const name of over) await rm(join(folder, name));
  return [
    ...names.map((name) => `wrote ${join(folder, name)}`),
    ...over.map((name) => `removed ${join(folder, name)}`),
  ];
}

/** Those that were made for the service: each of one kind that it bears the name of, all objects its own. */
async function filesOf(folder: string, service: string): Promise<string[]> {
  const own: string[] = [];
  for (const name of (await readdir(folder)).filter((name) => name.endsWith(".yaml")).sort()) {
    const text = await readFile(join(folder, name), "utf8").catch(() => "");
    if (isOwn(name, text, service)) own.push(name);
  }
  // of no use without what it lists, and nobody's work but ours
  const kustomization = await readFile(join(folder, "kustomization.yaml"), "utf8").catch(() => "");
  return isOwnList(kustomization, own) ? [...own, "kustomization.yaml"] : own;
}

interface Document {
  readonly kind?: string;
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly resources?: readonly string[];
}

function isOwn(file: string, text: string, service: string): boolean {
  const documents = documentsIn(text);
  return (
    documents.length > 0 &&
    documents.every(({ kind, metadata: { labels = {} } = {} }) => {
      const made = labels["app.kubernetes.io/managed-by"] === "microrun";
      return made && labels["app.kubernetes.io/name"] === service && file === `${kind?.toLowerCase()}.yaml`;
    })
  );
}

function isOwnList(text: string, own: readonly string[]): boolean {
  const [document, ...more] = documentsIn(text);
  if (document === undefined || more.length > 0) return false;
  const { resources = [], ...rest } = document;
  return (
    Object.keys(rest).sort().join() === "apiVersion,images,kind" && resources.toSorted().join() === own.join()
  );
}

/** None where it is no YAML. */
function documentsIn(text: string): Document[] {
  try {
    return text.split("---\n").map((part) => (readYaml(part) ?? {}) as Document);
  } catch {
    return [];
  }
}
