/** A real registry (distribution) and a real client (crane), built from the Go modules of test/tools/registry, once per version. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Pair } from "./certificate.ts";
import { goBuild, goCache } from "./go-build.ts";

const packages = {
  registry: "github.com/distribution/distribution/v3/cmd/registry",
  crane: "github.com/google/go-containerregistry/cmd/crane",
} as const;
export type RegistryBinary = keyof typeof packages;
export type RegistryBinaries = Readonly<Record<RegistryBinary, string>>;

const module = join(import.meta.dir, "tools/registry");
let asked: Promise<RegistryBinaries | undefined> | undefined;

/**
 * Their paths in the cache, built now if need be.
 * `undefined` without Go, for the test to skip; then it throws when CI=true. A build that fails throws always.
 */
export function registryBinaries(): Promise<RegistryBinaries | undefined> {
  asked ??= find();
  return asked;
}

async function find(): Promise<RegistryBinaries | undefined> {
  const folder = await goCache("registry", module);
  const found = Object.fromEntries(
    Object.keys(packages).map((name) => [name, join(folder, name)]),
  ) as unknown as RegistryBinaries;
  const missing: RegistryBinary[] = [];
  for (const name of Object.keys(packages) as RegistryBinary[]) {
    if (!(await Bun.file(found[name]).exists())) missing.push(name);
  }
  if (missing.length > 0 && !Bun.which("go")) {
    if (process.env.CI === "true") throw new Error("cannot build the registry: there is no go in PATH");
    console.error("skipped: tests against a registry, as there is no go in PATH to build it");
    return undefined;
  }
  for (const name of missing) await goBuild({ module, package: packages[name], path: found[name] });
  return found;
}

export interface RegistryAuth {
  /** Names and passwords. */
  readonly basic?: Readonly<Record<string, string>>;
  /** A token server: its URL, and the authority of the certificates that it signs with. */
  readonly token?: { readonly realm: string; readonly ca: string };
}

export interface RegistrySettings extends RegistryAuth {
  readonly tls?: Pair;
  /** @default absolute Locations */
  readonly relativeLocations?: boolean;
}

export interface OciRegistry extends AsyncDisposable {
  /** `127.0.0.1:34567` */
  readonly host: string;
  readonly port: number;
}

export const tokenService = "registry.test";
export const tokenIssuer = "token server of the tests";
const startTimeoutMs = 20_000;

export async function startRegistry(path: string, settings: RegistrySettings = {}): Promise<OciRegistry> {
  const folder = await mkdtemp(join(tmpdir(), "microrun-registry-"));
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const { basic, token, tls, relativeLocations = false } = settings;
  const users = Object.entries(basic ?? {}).map(
    ([user, password]) => `${user}:${Bun.password.hashSync(password, { algorithm: "bcrypt", cost: 4 })}`,
  );
  const configuration = {
    version: 0.1,
    log: { level: "info", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, "storage") } },
    http: {
      addr: "127.0.0.1:0",
      relativeurls: relativeLocations,
      ...(tls === undefined
        ? {}
        : { tls: { certificate: await file("cert.pem", tls.cert), key: await file("key.pem", tls.key) } }),
    },
    ...(basic === undefined
      ? {}
      : { auth: { htpasswd: { realm: "tests", path: await file("htpasswd", users.join("\n")) } } }),
    ...(token === undefined
      ? {}
      : {
          auth: {
            token: {
              realm: token.realm,
              service: tokenService,
              issuer: tokenIssuer,
              rootcertbundle: await file("roots.pem", token.ca),
            },
          },
        }),
  };
  const child = Bun.spawn([path, "serve", await file("config.yml", JSON.stringify(configuration))], {
    env: { PATH: process.env.PATH ?? "", OTEL_TRACES_EXPORTER: "none" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const log = readLog(child.stderr);
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    await child.exited;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const port = await log.port;
    return { host: `127.0.0.1:${port}`, port, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Its first lines say where it listens; the rest is read so that it never waits for us. */
function readLog(stream: ReadableStream<Uint8Array>): { readonly port: Promise<number> } {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const late = setTimeout(() => reject(new Error("the registry does not start")), startTimeoutMs);
  (async () => {
    let text = "";
    for await (const chunk of stream) {
      if (text.length < 100_000) text += new TextDecoder().decode(chunk);
      const [, port] = /listening on 127\.0\.0\.1:(\d+)/.exec(text) ?? [];
      if (port !== undefined) resolve(Number(port));
    }
    reject(new Error(`the registry ended:\n${text}`));
  })().finally(() => clearTimeout(late));
  promise.then(
    () => clearTimeout(late),
    () => clearTimeout(late),
  );
  return { port: promise };
}

export interface CraneOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param dockerConfig the folder of its config.json */
export async function crane(
  path: string,
  args: readonly string[],
  dockerConfig?: string,
): Promise<CraneOutcome> {
  const child = Bun.spawn([path, ...args], {
    env: {
      PATH: process.env.PATH ?? "",
      HOME: dockerConfig ?? "/nonexistent",
      DOCKER_CONFIG: dockerConfig ?? "/nonexistent",
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 60_000,
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

if (import.meta.main) {
  const found = await registryBinaries();
  if (found) for (const path of Object.values(found)) console.log(path);
}
