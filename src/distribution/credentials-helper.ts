/** A program that keeps logins: `docker-credential-NAME get`, the server's name by its input, JSON by its output. */
import { execFile } from "node:child_process";
import type { Log } from "../log.ts";
import type { Credentials } from "./credentials-file.ts";

/** How long it may take, in ms: some ask a person to unlock a keyring. */
const maxHelperMs = 60_000;
const maxOutputBytes = 1024 * 1024;
/** The user name that says that the secret is an identity token. */
const tokenUser = "<token>";

export interface HelperOptions {
  /** What is asked for: `ghcr.io`, `https://index.docker.io/v1/`. */
  readonly server: string;
  /** The file that names the helper. */
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** Undefined when it knows none. A helper that fails leaves us anonymous, as much of what is pulled is public. */
export async function askHelper(name: string, options: HelperOptions): Promise<Credentials | undefined> {
  const { path, server, log } = options;
  const program = `docker-credential-${name}`;
  const ignored = (why: string): undefined => {
    log.warn(`cannot ask ${program} for the login of ${server}: ${why}`, { file: path });
  };
  if (!/^[\w.-]+$/.test(name)) return ignored("that is no program's name");
  const { failure, stdout } = await run(program, options);
  if (failure !== undefined) return /credentials not found/i.test(stdout) ? undefined : ignored(failure);
  try {
    const { Username: username, Secret: secret } = JSON.parse(stdout);
    if (typeof secret !== "string" || secret === "" || typeof username !== "string")
      return ignored("it gave none");
    return username === tokenUser ? { identityToken: secret } : { username, password: secret };
  } catch {
    return ignored("it printed no JSON");
  }
}

function run(
  program: string,
  { server, env, signal }: HelperOptions,
): Promise<{ readonly failure: string | undefined; readonly stdout: string }> {
  const limits = { timeout: maxHelperMs, maxBuffer: maxOutputBytes, signal, encoding: "utf8" } as const;
  return new Promise((resolve) => {
    const child = execFile(
      program,
      ["get"],
      { ...limits, env: env as NodeJS.ProcessEnv },
      (error, stdout) => {
        // what it says itself is not passed on: it may have secrets in it
        const failure =
          error === null
            ? undefined
            : error.code === "ENOENT"
              ? "no such command"
              : error.killed
                ? "it took too long"
                : "it failed";
        resolve({ failure, stdout });
      },
    );
    child.stdin?.on("error", () => {}); // it may end without reading
    child.stdin?.end(`${server}\n`);
  });
}
