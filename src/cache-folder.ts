/** The folder of what is downloaded or made once and used again. Everything in it may be removed. */
import { access, constants, mkdir, mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { errorText, MicrorunError } from "./errors.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Absolute; by the XDG base directory specification. @throws MicrorunError `failed_precondition` for a user without a home */
export function cacheFolder(env: Environment): string {
  const home = homeFolder(env);
  const folder = env.XDG_CACHE_HOME || (home && join(home, ".cache"));
  if (folder) return resolve(folder, "microrun");
  throw new MicrorunError("failed_precondition", "cannot keep anything: this user has no home folder", {
    hint: "name a folder by XDG_CACHE_HOME",
  });
}

/** In containers a user may have none: neither a variable nor an entry in /etc/passwd. */
export function homeFolder({ HOME }: Environment): string | undefined {
  if (HOME) return HOME;
  try {
    return homedir() || undefined;
  } catch {
    return undefined;
  }
}

export interface UsableCache extends AsyncDisposable {
  /** What leads there, for all that uses it. */
  readonly env: Environment;
  /** Why it is not the user's own, but a folder that goes with it. */
  readonly fault?: string;
}

/** Where nothing can be kept, what is made is made all the same. */
export async function usableCache(env: Environment): Promise<UsableCache> {
  try {
    const folder = cacheFolder(env);
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK | constants.X_OK);
    return { env, [Symbol.asyncDispose]: async () => {} };
  } catch (error) {
    const folder = await mkdtemp(join(tmpdir(), "microrun-cache-"));
    return {
      env: { ...env, XDG_CACHE_HOME: folder },
      fault: errorText(error),
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
    };
  }
}
