/** The file that the user asks to run: there, readable, and a module by its name; or what to ask for instead. */
import { constants } from "node:fs";
import { access, readdir, stat } from "node:fs/promises";
import { basename, dirname, extname, join, parse } from "node:path";
import { type MicrorunError, nearest, usageError } from "../errors.ts";

const extensions: readonly string[] = [".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs"];

/** How many modules of a folder are named in a hint. */
const maxNamed = 5;

/** @throws MicrorunError `invalid_argument` */
export async function checkFile(path: string, file: string): Promise<void> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => error);
  if (found instanceof Error)
    throw found.code === "ENOENT" || found.code === "ENOTDIR"
      ? await missing(path, file)
      : unreadable(path, found);
  if (found.isDirectory()) {
    const modules = await modulesIn(file);
    const named = modules.slice(0, maxNamed).map((name) => shown(join(path, name)));
    throw usageError(
      `cannot load ${path}: it is a folder`,
      named.length > 0 ? `give a module in it: ${named.join(", ")}` : "give the path of a module",
    );
  }
  if (!found.isFile()) throw usageError(`cannot load ${path}: it is not a file`, "give the path of a module");
  if (!extensions.includes(extname(file))) {
    throw usageError(
      `cannot load ${path}: ${extname(file) || "no extension"} is not a module's`,
      `give a file that ends in ${extensions.join(" ")}`,
    );
  }
  await access(file, constants.R_OK).catch((error) => {
    throw unreadable(path, error);
  });
}

async function missing(path: string, file: string): Promise<MicrorunError> {
  const modules = await modulesIn(dirname(file));
  const name = basename(file);
  const meant = modules.find((module) => parse(module).name === parse(name).name) ?? nearest(name, modules);
  const hint =
    meant !== undefined
      ? `run microrun ${shown(join(dirname(path), meant))}`
      : modules.length > 0
        ? `give one of ${modules
            .slice(0, maxNamed)
            .map((module) => shown(join(dirname(path), module)))
            .join(", ")}`
        : "give the path of a module";
  return usageError(
    `cannot load ${path}: no such file${meant === undefined ? "" : `, did you mean ${meant}?`}`,
    hint,
  );
}

function unreadable(path: string, error: NodeJS.ErrnoException): MicrorunError {
  const why =
    error.code === "EACCES"
      ? "permission denied"
      : error.code === "ELOOP"
        ? "its symbolic links go in a circle"
        : error.message;
  return usageError(`cannot load ${path}: ${why}`, "make it readable for this user");
}

async function modulesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => extensions.includes(extname(name)) && !/\.(d|test|spec)\.[cm]?ts$/.test(name))
    .sort();
}

function shown(path: string): string {
  return /^(\.|\/)/.test(path) ? path : `./${path}`;
}
