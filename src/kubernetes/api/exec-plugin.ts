/** Credentials that a command prints: client.authentication.k8s.io, as kubectl runs it. */
import { execFile } from "node:child_process";
import { MicrorunError } from "../../errors.ts";
import type { Login, LoginSource } from "./access.ts";

/** How long a plugin may take, in ms: some ask a person to log in with a browser. */
const maxPluginMs = 120_000;
const maxOutputBytes = 1024 * 1024;
/** The most of what a plugin complained of that is told. */
const maxComplaint = 300;
/** Credentials that end this soon are not used any more, in ms. */
const expirySlackMs = 10_000;

/** The entry of a kubeconfig. */
export interface ExecEntry {
  readonly apiVersion?: string;
  readonly command?: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly installHint?: string;
  readonly provideClusterInfo?: boolean;
}

export interface ExecOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told to plugins that want it. */
  readonly cluster: object;
  readonly signal: AbortSignal;
}

/** Runs at most once at a time; again when what it printed has expired, or was refused. */
export function execLogin(entry: ExecEntry, options: ExecOptions): LoginSource {
  let running: Promise<Credential> | undefined;
  let credential: Credential | undefined;
  return {
    current: async () => {
      if (credential !== undefined && Date.now() < credential.expires - expirySlackMs)
        return credential.login;
      running ??= run(entry, options).finally(() => {
        running = undefined;
      });
      credential = await running;
      return credential.login;
    },
    renew: async () => {
      const had = credential !== undefined;
      credential = undefined;
      return had;
    },
  };
}

interface Credential {
  readonly login: Login;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

async function run(entry: ExecEntry, options: ExecOptions): Promise<Credential> {
  const { command } = entry;
  if (typeof command !== "string" || command === "")
    throw failed("(no command)", "the kubeconfig names none");
  const output = await outputOf(command, entry, options);
  let answer: { kind?: unknown; status?: Record<string, unknown> };
  try {
    answer = JSON.parse(output);
  } catch {
    throw failed(command, "it printed no JSON", entry);
  }
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = answer?.status ?? {};
  if (answer?.kind !== "ExecCredential" || (!isText(token) && !isText(clientCertificateData)))
    throw failed(command, "it printed no credentials", entry);
  const expires = isText(expirationTimestamp) ? Date.parse(expirationTimestamp) : Number.NaN;
  return {
    login: {
      headers: isText(token) ? { authorization: `Bearer ${token}` } : {},
      ...(isText(clientCertificateData) ? { cert: clientCertificateData } : {}),
      ...(isText(clientKeyData) ? { key: clientKeyData } : {}),
    },
    expires: Number.isNaN(expires) ? Number.POSITIVE_INFINITY : expires,
  };
}

function outputOf(command: string, entry: ExecEntry, { env, cluster, signal }: ExecOptions): Promise<string> {
  const info = {
    apiVersion: entry.apiVersion ?? "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    spec: { interactive: false, ...(entry.provideClusterInfo === true ? { cluster } : {}) },
  };
  const own = Object.fromEntries((entry.env ?? []).map(({ name, value }) => [name, value]));
  const all = { ...env, ...own, KUBERNETES_EXEC_INFO: JSON.stringify(info) };
  const limits = { timeout: maxPluginMs, maxBuffer: maxOutputBytes, signal, encoding: "utf8" } as const;
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      entry.args ?? [],
      { ...limits, env: all as NodeJS.ProcessEnv },
      (error, stdout, stderr) => {
        if (error === null) return resolve(stdout);
        const complaint = stderr.trim().slice(0, maxComplaint);
        const missing = error.code === "ENOENT";
        const why = missing
          ? "no such command"
          : error.killed
            ? "it took too long"
            : complaint || "it failed";
        return reject(failed(command, why, entry));
      },
    );
    child.stdin?.end();
  });
}

function failed(command: string, why: string, entry: ExecEntry = {}): MicrorunError {
  const hint = entry.installHint?.trim() || `run ${command} by hand and see what it says`;
  return new MicrorunError("unauthenticated", `cannot log in by ${command}: ${why}`, { hint });
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
