/** Who we are to a registry, as `docker login` and `podman login` have kept it. */
import { join } from "node:path";
import type { Reference } from "../image-reference.ts";
import type { Log } from "../log.ts";
import { type AuthFile, type Credentials, readAuthFile } from "./credentials-file.ts";
import { askHelper } from "./credentials-helper.ts";

export interface CredentialsOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** What Docker calls its own registry in its configuration and to its helpers. */
const dockerKey = "https://index.docker.io/v1/";

/**
 * The first file that knows the registry decides; undefined: anonymous.
 * @throws MicrorunError `failed_precondition` for a file that cannot be read
 */
export async function findCredentials(
  { registry, repository }: Reference,
  options: CredentialsOptions,
): Promise<Credentials | undefined> {
  const server = registry === "docker.io" ? dockerKey : registry;
  const host = registry === "docker.io" ? "index.docker.io" : registry;
  for (const path of authFiles(options.env)) {
    const file = await readAuthFile(path);
    if (file === undefined) continue;
    const found = await inFile(file, { server, host, names: names(host, repository) }, options);
    if (found !== undefined) return found;
  }
  return undefined;
}

interface Wanted {
  /** What helpers are asked for. */
  readonly server: string;
  readonly host: string;
  readonly names: readonly string[];
}

async function inFile(
  { path, helpers, store, entries }: AuthFile,
  { server, host, names }: Wanted,
  options: CredentialsOptions,
): Promise<Credentials | undefined> {
  const own = helpers.get(host) ?? helpers.get(server);
  if (own !== undefined) return askHelper(own, { server, path, ...options });
  const kept = names.map((name) => entries.get(name)).find((entry) => entry !== undefined);
  if (kept !== undefined) return kept;
  return store === undefined ? undefined : askHelper(store, { server, path, ...options });
}

/** The most specific first: podman keeps logins of parts of a registry, too. */
function names(host: string, repository: string): string[] {
  const parts = repository.split("/");
  return [...parts.map((_, index) => [host, ...parts.slice(0, parts.length - index)].join("/")), host];
}

function authFiles(env: CredentialsOptions["env"]): string[] {
  const docker = env.DOCKER_CONFIG || (env.HOME ? join(env.HOME, ".docker") : undefined);
  return [
    env.REGISTRY_AUTH_FILE,
    docker && join(docker, "config.json"),
    env.XDG_RUNTIME_DIR && join(env.XDG_RUNTIME_DIR, "containers/auth.json"),
    env.HOME && join(env.HOME, ".config/containers/auth.json"),
  ].filter((path) => path !== undefined && path !== "") as string[];
}
