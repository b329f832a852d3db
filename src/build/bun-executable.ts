/** The Bun executable of a platform: a file that was named, one in the cache, or from npm into the cache. */
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { cacheFolder } from "../cache-folder.ts";
import { errorText, MicrorunError, usageError } from "../errors.ts";
import type { Progress } from "../progress.ts";
import { wholeFile } from "../whole-file.ts";
import { isAsKept, keep } from "./cached-file.ts";
import { headBytes, platformOf, platformOfHead } from "./executable-header.ts";
import { fetchPackage, npmRegistry, tarballUrl } from "./npm-package.ts";
import { type Target, targetOf } from "./targets.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface BunOptions {
  readonly target: Target;
  /** Path of a Bun executable of that platform. @default from the cache, else from npm */
  readonly bun?: string;
  readonly env: Environment;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** @returns its path, absolute as the bundler changes the current folder */
export async function bunExecutable(options: BunOptions): Promise<string> {
  const { target, bun, env } = options;
  if (bun !== undefined) {
    const fault = await faultOf(bun, target);
    if (fault !== undefined)
      throw usageError(
        `--runtime=${bun}: ${fault}`,
        `give the bin/bun of ${packageOf(target)}@${Bun.version}, readable for this user`,
      );
    return resolve(bun);
  }
  const cached = join(cacheFolder(env), `bun-${Bun.version}-${target.name}${extension(target)}`);
  if (!(await isFit(cached, target))) await download(cached, options);
  return cached;
}

/** What was put there by hand is looked at as what `--runtime` names. */
async function isFit(path: string, target: Target): Promise<boolean> {
  return (await isAsKept(path)) ?? (await faultOf(path, target)) === undefined;
}

function packageOf({ name }: Target): string {
  return `@oven/bun-${name.replace("arm64", "aarch64")}`;
}

export function extension({ os }: Target): string {
  return os === "windows" ? ".exe" : "";
}

export async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function download(path: string, { target, env, signal, progress }: BunOptions): Promise<void> {
  const name = packageOf(target);
  const registry = await npmRegistry(env, "@oven");
  const url = tarballUrl(registry, name, Bun.version);
  let archive: Uint8Array;
  try {
    archive = await fetchPackage({
      registry,
      name,
      version: Bun.version,
      what: `runtime ${target.name}`,
      signal,
      progress,
    });
  } catch (error) {
    if (signal.aborted) throw error;
    const code = error instanceof MicrorunError ? error.code : "unavailable";
    throw new MicrorunError(code, `cannot fetch the runtime of ${target.name}: ${errorText(error)}`, {
      hint: `fetch ${url} where it can be reached, and put its package/bin/bun${extension(target)} at ${path}, or name it by --runtime`,
      cause: error,
    });
  }
  const files = await new Bun.Archive(archive).files(`package/bin/bun${extension(target)}`);
  const [executable] = files.values();
  if (executable === undefined)
    throw new MicrorunError("data_loss", `${name}@${Bun.version} holds no bin/bun`, {
      hint: "name a Bun by --runtime",
    });
  const bytes = new Uint8Array(await executable.arrayBuffer());
  const platform = platformOfHead(Buffer.from(bytes.buffer, 0, Math.min(bytes.length, headBytes)));
  if (platform === undefined || targetOf(platform) !== target)
    throw new MicrorunError("data_loss", `${name}@${Bun.version}: its bin/bun is not for ${target.name}`, {
      hint: "name a Bun by --runtime",
    });
  await wholeFile(path, async (unfinished) => {
    await writeFile(unfinished, bytes);
    await chmod(unfinished, 0o755);
  });
  await keep(path);
}

/** Why a file is not the Bun that is needed. */
async function faultOf(file: string, target: Target): Promise<string | undefined> {
  if (!(await isFile(file))) return "no such file";
  try {
    const platform = await platformOf(file);
    if (platform === undefined) return "not an executable";
    const found = targetOf(platform)?.name ?? "another machine";
    if (found !== target.name) return `made for ${found}, not for ${target.name}`;
    return (await readFile(file)).includes(`Bun v${Bun.version} (`) ? undefined : `not Bun ${Bun.version}`;
  } catch (error) {
    return errorText(error);
  }
}
