/** The folder of what is downloaded or made once and used again. Everything in it may be removed. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Absolute; by the XDG base directory specification. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  return resolve(env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache"), "microrun");
}
