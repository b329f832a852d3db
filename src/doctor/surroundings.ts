/** What of the image and the machine a process stands on: libc, CA certificates, /proc, /tmp, its user, process 1. */
import { access, constants, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { type Check, type Finding, fail, ok, warn } from "./doctor.ts";

export interface Surroundings {
  /** Undefined: it cannot be told, as without /proc. */
  readonly libc: { readonly kind: "glibc" | "musl"; readonly version?: string } | undefined;
  /** Undefined: there is none. */
  readonly authorities: string | undefined;
  /** Undefined: no variable names one. */
  readonly namedAuthorities:
    | { readonly variable: string; readonly path: string; readonly there: boolean }
    | undefined;
  readonly proc: boolean;
  readonly tmp: { readonly path: string; readonly writable: boolean };
  readonly uid: number | undefined;
  readonly inContainer: boolean;
  /** The command of process 1. */
  readonly init: string | undefined;
  readonly isInit: boolean;
}

/** Older ones crash it. */
const leastMusl = [1, 2, 5] as const;
const usualAuthorities = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/cert.pem",
  "/etc/ssl/ca-bundle.pem",
];

export function surroundingsCheck(env: Readonly<Record<string, string | undefined>>): Check {
  return { name: "image", run: async () => judgeSurroundings(await readSurroundings(env)) };
}

export function judgeSurroundings(found: Surroundings): Finding[] {
  return [
    libcFinding(found),
    authoritiesFinding(found),
    ...(found.proc
      ? []
      : [
          warn(
            "/proc is not mounted",
            "mount it: limits and libc cannot be read without, and glibc needs it",
          ),
        ]),
    found.tmp.writable
      ? ok(`${found.tmp.path} can be written to`)
      : warn(
          `${found.tmp.path} cannot be written to`,
          "mount an emptyDir there if the module writes temporary files",
          `volumes:\n  - name: tmp\n    emptyDir: {}\nvolumeMounts:\n  - name: tmp\n    mountPath: ${found.tmp.path}\n`,
        ),
    userFinding(found),
    ...initFinding(found),
  ];
}

function libcFinding({ libc }: Surroundings): Finding {
  if (libc === undefined) return ok("libc: not to be told here");
  const what = `${libc.kind} ${libc.version ?? "of an unknown version"}`;
  const old = libc.kind === "musl" && libc.version !== undefined && isOlder(libc.version, leastMusl);
  return old
    ? fail(`${what}: the runtime crashes on it`, "use an image with musl 1.2.5 or newer, such as Alpine 3.20")
    : ok(what);
}

function isOlder(version: string, than: readonly number[]): boolean {
  const parts = version.split(".").map(Number);
  const at = than.findIndex((part, i) => (parts[i] ?? 0) !== part);
  return at >= 0 && (parts[at] ?? 0) < than[at]!;
}

function authoritiesFinding({ authorities, namedAuthorities: named }: Surroundings): Finding {
  if (named !== undefined && !named.there)
    return warn(
      `${named.variable}=${named.path}: no such file`,
      `put the CA certificates there, or unset ${named.variable}`,
    );
  return ok(`CA certificates: ${authorities ?? "those of the runtime alone"}`);
}

function userFinding({ uid, inContainer }: Surroundings): Finding {
  if (uid !== 0 || !inContainer) return ok(`user: ${uid ?? "unknown"}`);
  const yaml =
    "securityContext:\n  runAsNonRoot: true\n  runAsUser: 65532\n  allowPrivilegeEscalation: false\n" +
    "  capabilities: { drop: [ALL] }\n";
  return warn("user: root", "run the container as another: nothing here needs root", yaml);
}

/** As process 1 microrun reaps the orphans of others itself. */
function initFinding({ init, isInit, inContainer }: Surroundings): Finding[] {
  if (!inContainer || isInit || init === undefined) return [];
  const shell = /(^|\/)(ba|da|a|z)?sh$/.test(init);
  return shell
    ? [
        warn(
          `process 1 is ${init}: a shell passes no SIGTERM on`,
          'let the container start the service itself: command: ["microrun", …], or exec in the script',
        ),
      ]
    : [];
}

async function readSurroundings(env: Readonly<Record<string, string | undefined>>): Promise<Surroundings> {
  const variable = ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"].find((name) => env[name]);
  const usual = await Promise.all(usualAuthorities.map((path) => isThere(path)));
  const [init] = (await textOf("/proc/1/cmdline")).split("\0");
  const tmp = tmpdir();
  const named = variable === undefined ? undefined : { variable, path: env[variable]! };
  return {
    libc: await readLibc(),
    authorities: usualAuthorities[usual.indexOf(true)],
    namedAuthorities: named && { ...named, there: await isThere(named.path) },
    proc: await isThere("/proc/self"),
    tmp: { path: tmp, writable: await isThere(tmp, constants.W_OK) },
    uid: process.getuid?.(),
    inContainer:
      Boolean(env.KUBERNETES_SERVICE_HOST) ||
      (await isThere("/.dockerenv")) ||
      (await isThere("/run/.containerenv")),
    init: init || undefined,
    isInit: process.pid === 1,
  };
}

/** By what is mapped into this process. */
async function readLibc(): Promise<Surroundings["libc"]> {
  const musl = /\S*\/ld-musl-\S+\.so\.1|\S*\/libc\.musl-\S+\.so\.1/.exec(
    await textOf("/proc/self/maps"),
  )?.[0];
  if (musl !== undefined) {
    const version = muslVersion(await readFile(musl, "latin1").catch(() => ""));
    return { kind: "musl", ...(version === undefined ? {} : { version }) };
  }
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  const version = report?.header?.glibcVersionRuntime;
  return version ? { kind: "glibc", version } : undefined;
}

/** @param bytes of its library, which is its loader, too */
export function muslVersion(bytes: string): string | undefined {
  return /\0(1\.\d{1,2}\.\d{1,3})(?:-git-[\w-]+)?\0/.exec(bytes)?.[1];
}

async function isThere(path: string, mode: number = constants.F_OK): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}

async function textOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
