/** The services of a folder without microrun.yaml: the modules in it, and one of each folder in it. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join, parse } from "node:path";
import { usageError } from "../errors.ts";
import type { Project, ReadModuleText, ServicePlan, Skipped } from "./dev.ts";
import { maxServices } from "./project-file.ts";

const extension = /\.(ts|mts|tsx|js|mjs)$/;
/** Not written to be served. */
const other = /\.(d|test|spec|types|config|gen)\.\w+$/;
/** Folders of a project that hold no services. */
const otherFolder = /^(\.|_|node_modules$|dist$|build$|tests?$)/;
/** The module of a folder: the first of these that is there, `*` being the folder's name. */
const mainNames = ["*", "service", "main"];
/** How many folders are looked into. */
const maxFolders = 200;

interface Candidate {
  /** Relative to the project. */
  readonly file: string;
  /** What it is called unless it says so itself. */
  readonly name: string;
  /** Its file is called otherwise. */
  readonly named: boolean;
}

/**
 * Nothing is run to find out: a module is taken whose text exports something to serve.
 * @param kept files that were taken before: one that is being written may not be whole
 */
export async function readProjectFolder(
  folder: string,
  readModule: ReadModuleText,
  kept: ReadonlySet<string> = new Set(),
): Promise<Project> {
  const { candidates, folders } = await candidatesIn(folder);
  const services: ServicePlan[] = [];
  const skipped: Skipped[] = [];
  for (const { file, name: usual, named } of candidates) {
    const text = await readFile(join(folder, file), "utf8").catch(() => "");
    const { name: said, isFunction, isServable } = readModule(text);
    const name = said ?? usual;
    const before = services.find((one) => one.name === name);
    const why = before
      ? `${before.module} is called ${name}, too`
      : services.length >= maxServices
        ? `more than ${maxServices} services`
        : kept.has(file)
          ? undefined
          : !isServable
            ? "nothing to serve is exported"
            : isFunction
              ? "a job, which runs at each start; name it in microrun.yaml"
              : undefined;
    if (why !== undefined) skipped.push({ file: `./${file}`, why });
    else
      services.push({
        name,
        module: `./${file}`,
        ...(named && said === undefined ? { serverName: name } : {}),
        ...{ cwd: folder, port: 0, env: {}, flags: [], args: [], dependsOn: [], replicas: 1, watch: [] },
      });
  }
  return { folder, services, skipped, sources: [folder, ...folders] };
}

async function candidatesIn(folder: string): Promise<{ candidates: Candidate[]; folders: string[] }> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw usageError(`cannot read ${folder}: ${error.message}`, "name a folder, or a microrun.yaml");
  });
  const candidates: Candidate[] = [];
  const folders: string[] = [];
  for (const entry of entries.sort()) {
    const isFolder = await stat(join(folder, entry)).then(
      (found) => found.isDirectory(),
      () => undefined,
    );
    if (isFolder === false && isModule(entry))
      candidates.push({ file: entry, name: parse(entry).name, named: false });
    if (isFolder !== true || otherFolder.test(entry) || folders.length >= maxFolders) continue;
    const names = (await readdir(join(folder, entry)).catch(() => [])).filter(isModule).sort();
    folders.push(join(folder, entry));
    const main = mainNames
      .map((name) => names.find((file) => parse(file).name === name.replace("*", entry)))
      .find((file) => file !== undefined);
    if (main === undefined) continue;
    candidates.push({ file: `${entry}/${main}`, name: entry, named: parse(main).name !== entry });
  }
  return { candidates, folders };
}

function isModule(file: string): boolean {
  return extension.test(file) && !other.test(file) && !file.startsWith(".");
}
