/** What is released for each platform: microrun itself, made of the Bun that npm has for it. */
import { join } from "node:path";
import { bunExecutable, extension } from "../../src/build/bun-executable.ts";
import type { Target } from "../../src/build/targets.ts";
import { compile } from "../build.ts";

/** The first release on a machine fetches Bun for every platform. */
const fetchTimeoutMs = 15 * 60_000;

/** @param folder where each gets a folder of its own: the bytes depend on the name, so it is the same for all */
export async function releasedExecutables(
  targets: readonly Target[],
  folder: string,
): Promise<ReadonlyMap<Target, string>> {
  const signal = AbortSignal.timeout(fetchTimeoutMs);
  const executables = new Map<Target, string>();
  for (const target of targets) {
    const bun = await bunExecutable({ target, env: process.env, signal, progress: () => {} });
    const outfile = join(folder, target.name, `microrun${extension(target)}`);
    executables.set(target, await compile(undefined, outfile, { target, bun }));
  }
  return executables;
}
