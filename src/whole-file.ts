/** A file that bears its name only when all of it is there. */
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Its folder is made if need be; what fails leaves nothing. */
export async function wholeFile(path: string, write: (unfinished: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}.${process.pid}.tmp`;
  try {
    await write(unfinished);
    await rename(unfinished, path);
  } catch (error) {
    throw named(error, path, unfinished);
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** A full disk is told without a path, others with one that nobody knows. */
function named(error: unknown, path: string, unfinished: string): unknown {
  const { code, path: said } = error as NodeJS.ErrnoException;
  return typeof code === "string" && (said ?? unfinished) === unfinished
    ? Object.assign(error as Error, { path })
    : error;
}
