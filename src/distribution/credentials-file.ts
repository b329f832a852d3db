/** A Docker config.json or a containers-auth.json(5), read for its logins. */
import { readFile } from "node:fs/promises";
import { errorText, MicrorunError } from "../errors.ts";

/** One of: a name with a password, an identity token, a registry token. */
export interface Credentials {
  readonly username?: string;
  readonly password?: string;
  /** Exchanged for a bearer token at the registry's token server (OAuth 2 refresh token). */
  readonly identityToken?: string;
  /** A bearer token as it stands. */
  readonly registryToken?: string;
}

export interface AuthFile {
  readonly path: string;
  /** By host: the name after `docker-credential-`. */
  readonly helpers: ReadonlyMap<string, string>;
  /** The helper for every other host. */
  readonly store: string | undefined;
  /** By host, or host and the beginning of a repository. */
  readonly entries: ReadonlyMap<string, Credentials>;
}

/** @returns undefined where there is no such file */
export async function readAuthFile(path: string): Promise<AuthFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw new MicrorunError("failed_precondition", `cannot read ${path}: ${errorText(error)}`, {
      hint: "make it readable, or point DOCKER_CONFIG at another folder",
    });
  }
  return parseAuthFile(path, text);
}

/** @throws MicrorunError `failed_precondition` */
export function parseAuthFile(path: string, text: string): AuthFile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // the parser's own words may quote the file, which has secrets in it
    throw new MicrorunError("failed_precondition", `cannot read ${path}: it is not JSON`, {
      hint: "correct it, or make a new one with docker login",
    });
  }
  const { auths, credHelpers, credsStore } = record(parsed);
  const entries = new Map<string, Credentials>();
  for (const [name, entry] of Object.entries(record(auths))) {
    const credentials = credentialsOf(record(entry));
    if (credentials !== undefined) entries.set(plainName(name), credentials);
  }
  const helpers = Object.entries(record(credHelpers)).filter(([, helper]) => isText(helper));
  return {
    path,
    helpers: new Map(helpers as [string, string][]),
    store: isText(credsStore) ? credsStore : undefined,
    entries,
  };
}

/** Old versions of Docker wrote URLs: `https://registry.example/v1/`. */
function plainName(name: string): string {
  return name
    .replace(/^https?:\/\//, "")
    .replace(/\/+$/, "")
    .replace(/\/v[12]$/, "")
    .replace(/^(?:registry-1\.)?docker\.io(?=$|\/)/, "index.docker.io");
}

function credentialsOf(entry: Record<string, unknown>): Credentials | undefined {
  const { auth, username, password, identitytoken, registrytoken } = entry;
  if (isText(identitytoken)) return { identityToken: identitytoken };
  if (isText(registrytoken)) return { registryToken: registrytoken };
  if (isText(auth)) {
    const plain = Buffer.from(auth, "base64").toString("utf8").replace(/\0+$/, "");
    const colon = plain.indexOf(":");
    if (colon > 0) return { username: plain.slice(0, colon), password: plain.slice(colon + 1) };
  }
  return isText(username) && isText(password) ? { username, password } : undefined;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
