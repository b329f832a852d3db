/** Which files a schema is made of: reads `.proto` files and, before each, the files it imports. */
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { errorText, MicrorunError } from "../../errors.ts";
import { embeddedProtos } from "./embedded-protos.ts";
import { freeName, nameRoots } from "./proto-names.ts";
import { type Position, type ProtoHead, protoError, scanProto } from "./proto-text.ts";

/** How many folders above a root file are searched for its imports. */
const maxParents = 8;
const maxFiles = 1000;
const maxDepth = 100;
/** Customary names of folders with other people's files, beside those of one's own. */
const besides = ["", "proto", "third_party"];

export interface ProtoFile extends ProtoHead {
  /** As others import it; unique in a schema. Empty until it is known. */
  name: string;
  /** As people know it. */
  readonly path: string;
  readonly text: string;
  /** In the order of `imports`. */
  readonly dependencies: readonly ProtoFile[];
  /** Asked for by itself, not only imported. */
  root: boolean;
}

export interface ReadOptions {
  /** The text of a file, `undefined` when there is none. @default from the disk */
  readonly read?: (path: string) => Promise<string | undefined>;
  /** Folders in which imports are searched first. */
  readonly importPaths?: readonly string[];
}

interface Found {
  readonly path: string;
  readonly text: string;
}

/** Looks for the first of these that exists; a generator, so that reading may be asynchronous or not. */
type Search<T> = Generator<readonly string[], T, Found | undefined>;

/** Files in an order in which each comes after its imports. */
export async function readProtoFiles(
  paths: readonly string[],
  options: ReadOptions = {},
): Promise<ProtoFile[]> {
  const read = options.read ?? readText;
  const search = gather(paths, options.importPaths ?? []);
  let step = search.next();
  while (!step.done) {
    let found: Found | undefined;
    for (const path of step.value) {
      const text = await read(path);
      if (text === undefined) continue;
      found = { path, text };
      break;
    }
    step = search.next(found);
  }
  return step.value;
}

/** One text that imports embedded files only. */
export function embeddedProtoFiles(name: string, text: string): ProtoFile[] {
  const search = gather([name], []);
  let step = search.next();
  while (!step.done) step = search.next(step.value[0] === name ? { path: name, text } : undefined);
  for (const file of step.value) if (file.root) file.name = name;
  return step.value;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const why = { EISDIR: "it is a folder", EACCES: "permission denied" }[code ?? ""] ?? errorText(error);
    throw new MicrorunError("invalid_argument", `cannot read ${path}: ${why}`, {
      hint: "name a .proto that this user may read",
      cause: error,
    });
  }
}

function* gather(paths: readonly string[], importPaths: readonly string[]): Search<ProtoFile[]> {
  /** By absolute path; embedded files by name. A file still being read is `undefined`. */
  const files = new Map<string, ProtoFile | undefined>();
  const ordered: ProtoFile[] = [];

  function* add(
    found: Found,
    identity: string,
    name: string,
    root: string,
    trail: readonly string[],
  ): Search<ProtoFile> {
    if (files.size >= maxFiles) throw protoError(found, undefined, `a schema of more than ${maxFiles} files`);
    if (trail.length > maxDepth)
      throw protoError(found, undefined, `imports are nested more than ${maxDepth} deep`);
    files.set(identity, undefined);
    const head = scanProto(found);
    const dependencies: ProtoFile[] = [];
    for (const { name: wanted, line } of head.imports) {
      const at: Position = { line, column: 1 };
      if (/\\|^\/|(^|\/)\.{0,2}(\/|$)/.test(wanted))
        throw protoError(
          found,
          at,
          `import "${wanted}" is not a path below a folder`,
          'write the path as in import "greeter/v1/types.proto", without ., .. and \\',
        );
      dependencies.push(yield* resolveImport(found, at, wanted, root, [...trail, found.path]));
    }
    const file: ProtoFile = {
      ...head,
      ...found,
      name: name === "" ? "" : freeName(name, found.path, ordered),
      dependencies,
      root: false,
    };
    files.set(identity, file);
    ordered.push(file);
    return file;
  }

  function* resolveImport(
    importer: Found,
    at: Position,
    name: string,
    root: string,
    trail: readonly string[],
  ): Search<ProtoFile> {
    const folders = searched(importPaths, importer.path, root);
    const found = yield folders.map((folder) => join(folder, name));
    const text = embeddedProtos.get(name);
    if (found === undefined && text === undefined) {
      throw protoError(
        importer,
        at,
        `import "${name}" is not found: searched ${shown(folders)}`,
        `put ${name} below one of these folders`,
      );
    }
    const identity = found === undefined ? name : resolve(found.path);
    if (files.has(identity)) {
      const known = files.get(identity);
      if (known === undefined)
        throw protoError(
          importer,
          at,
          `imports go round in a circle: ${[...trail.slice(-maxShown), name].join(" → ")}`,
        );
      if (known.name === "") known.name = freeName(name, known.path, ordered);
      return known;
    }
    return yield* add(found ?? { path: name, text: text! }, identity, name, root, trail);
  }

  for (const path of paths) {
    const known = files.get(resolve(path));
    if (known !== undefined) {
      known.root = true;
      continue;
    }
    const found = yield [path];
    if (found === undefined)
      throw new MicrorunError("invalid_argument", `cannot read ${path}: there is no such file`);
    const file = yield* add(found, resolve(path), "", path, []);
    file.root = true;
  }
  nameRoots(ordered, importPaths);
  return ordered;
}

const maxShown = 5;

function shown(folders: readonly string[]): string {
  const plain = folders.filter((folder) => !/(^|\/)(proto|third_party)$/.test(folder));
  return plain.slice(0, maxShown).join(", ") + (plain.length > maxShown ? " and further up" : "");
}

function searched(importPaths: readonly string[], importer: string, root: string): string[] {
  const folders = [...importPaths, dirname(importer)];
  for (let up = 0, folder = dirname(root); up <= maxParents; up++, folder = join(folder, "..")) {
    folders.push(...besides.map((name) => join(folder, name)));
    if (resolve(folder) === resolve(folder, "..")) break;
  }
  return [...new Set(folders)];
}
