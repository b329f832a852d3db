/** A package's archive from an npm registry, as npm itself is told to reach it, checked by its integrity hash. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { homeFolder } from "../cache-folder.ts";
import { errorText, MicrorunError } from "../errors.ts";
import type { Progress } from "../progress.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const usualRegistry = "https://registry.npmjs.org/";
/** A server that sends nothing for so long is given up. */
const silenceMs = 60_000;
/** Whatever comes. */
const maxFetchMs = 1_800_000;
const maxMetadataBytes = 16_777_216;
const maxArchiveBytes = 268_435_456;
const maxRedirects = 5;

export interface NpmRegistry {
  /** Ends with a slash. */
  readonly url: string;
  readonly token: string | undefined;
}

export interface PackageOptions {
  readonly registry: NpmRegistry;
  readonly name: string;
  readonly version: string;
  /** For `progress`. */
  readonly what: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** Variables beat the project's `.npmrc`, that beats the user's. */
export async function npmRegistry(env: Environment, scope: string): Promise<NpmRegistry> {
  const user =
    env.npm_config_userconfig || env.NPM_CONFIG_USERCONFIG || join(homeFolder(env) ?? "", ".npmrc");
  const texts = await Promise.all([user, ".npmrc"].map((file) => readFile(file, "utf8").catch(() => "")));
  const settings = new Map(texts.flatMap((text) => npmrcEntries(text, env)));
  const url =
    settings.get(`${scope}:registry`) ||
    env.npm_config_registry ||
    env.NPM_CONFIG_REGISTRY ||
    settings.get("registry") ||
    usualRegistry;
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new MicrorunError("invalid_argument", `npm's registry ${url}: not a URL`, {
      hint: "correct it in npm_config_registry or .npmrc",
    });
  const whole = url.replace(/\/*$/, "/");
  return { url: whole, token: settings.get(`${whole.replace(/^https?:/, "")}:_authToken`) };
}

export function npmrcEntries(text: string, env: Environment): [string, string][] {
  const lines = text.split("\n").map((line) => /^\s*([^#;=\s][^=]*?)\s*=\s*"?(.*?)"?\s*$/.exec(line));
  return lines.flatMap((found) => {
    if (found === null) return [];
    const value = found[2]!.replace(/\$\{(\w+)\}/g, (whole, name: string) => env[name] ?? whole);
    return [[found[1]!, value] as [string, string]];
  });
}

export function tarballUrl({ url }: NpmRegistry, name: string, version: string): string {
  return `${url}${name}/-/${name.replace(/^.*\//, "")}-${version}.tgz`;
}

/** @throws MicrorunError `unavailable`, `not_found`, `unauthenticated`, `data_loss` for what is not what its hash says */
export async function fetchPackage(options: PackageOptions): Promise<Uint8Array> {
  const { registry, name, version } = options;
  const about = await get(`${registry.url}${name.replace("/", "%2f")}`, options, {
    most: maxMetadataBytes,
    accept: "application/vnd.npm.install-v1+json",
  });
  const dist = distOf(about, version);
  if (dist === undefined) throw new MicrorunError("not_found", `${registry.url} has no ${name}@${version}`);
  const archive = await get(dist.tarball, options, { most: maxArchiveBytes, progress: options.progress });
  const [, algorithm, wanted] = /(?:^|\s)(sha512)-([A-Za-z0-9+/=]+)/.exec(dist.integrity) ?? [];
  const found = algorithm && new Bun.CryptoHasher("sha512").update(archive).digest("base64");
  if (found === undefined || found !== wanted)
    throw new MicrorunError(
      "data_loss",
      `${dist.tarball}: its integrity hash is not the one that was promised`,
    );
  return archive;
}

function distOf(about: Uint8Array, version: string): { tarball: string; integrity: string } | undefined {
  try {
    const { tarball, integrity } = JSON.parse(new TextDecoder().decode(about)).versions[version].dist;
    return typeof tarball === "string" ? { tarball, integrity: String(integrity) } : undefined;
  } catch {
    return undefined;
  }
}

interface Reading {
  readonly most: number;
  readonly accept?: string;
  readonly progress?: Progress;
}

async function get(
  url: string,
  options: PackageOptions,
  { most, accept, progress }: Reading,
): Promise<Uint8Array> {
  const silence = new AbortController();
  const timer = setTimeout(
    () => silence.abort(new Error(`nothing came for ${silenceMs / 1000} s`)),
    silenceMs,
  );
  const signal = AbortSignal.any([options.signal, silence.signal, AbortSignal.timeout(maxFetchMs)]);
  try {
    const response = await followed(url, options.registry, { signal, headers: accept ? { accept } : {} });
    const length = Number(response.headers.get("content-length") ?? 0);
    const chunks: Uint8Array[] = [];
    let done = 0;
    for await (const chunk of response.body ?? []) {
      timer.refresh();
      chunks.push(chunk);
      done += chunk.length;
      if (done > most) throw new MicrorunError("resource_exhausted", `${url}: more than ${most} bytes`);
      progress?.({ what: options.what, done, ...(length > 0 ? { total: length } : {}) });
    }
    return Buffer.concat(chunks);
  } catch (error) {
    if (error instanceof MicrorunError || options.signal.aborted) throw error;
    throw new MicrorunError("unavailable", `${url}: ${errorText(silence.signal.reason ?? error)}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** The token goes to the registry alone, wherever it redirects to. */
async function followed(
  url: string,
  { url: home, token }: NpmRegistry,
  init: RequestInit,
): Promise<Response> {
  let at = url;
  for (let hop = 0; hop <= maxRedirects; hop++) {
    const own = token !== undefined && new URL(at).origin === new URL(home).origin;
    const headers = { ...init.headers, ...(own ? { authorization: `Bearer ${token}` } : {}) };
    const response = await fetch(at, { ...init, headers, redirect: "manual" } as RequestInit);
    const next = response.headers.get("location");
    if (response.status >= 300 && response.status < 400 && next !== null) {
      await response.body?.cancel();
      at = new URL(next, at).href;
      continue;
    }
    if (response.ok) return response;
    await response.body?.cancel();
    const { status } = response;
    const code =
      status === 404 ? "not_found" : status === 401 || status === 403 ? "unauthenticated" : "unavailable";
    throw new MicrorunError(code, `${at}: HTTP ${status}`);
  }
  throw new MicrorunError("unavailable", `${url}: more than ${maxRedirects} redirects`);
}
