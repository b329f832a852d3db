/** A real etcd and kube-apiserver on loopback: TLS, RBAC, service accounts; no node, no controllers, so tests make all objects. */
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Authority, makeAuthority } from "./certificate.ts";
import { type ClusterObjects, clusterObjects } from "./cluster-objects.ts";
import { type KubeconfigOptions, kubeconfigText } from "./kubeconfig.ts";
import { kubernetesBinaries } from "./kubernetes-binaries.ts";
import { type PodIdentity, podIdentity } from "./pod-identity.ts";

export type Part = "etcd" | "kube-apiserver";

/** The API server as its administrator speaks to it. */
export interface ApiServer {
  /** `https://127.0.0.1:port` */
  readonly url: string;
  readonly port: number;
  readonly authority: Authority;
  /** Signs service-account tokens. PEM. */
  readonly tokenKey: string;
  /** Holds everything of this control plane; removed at the end. */
  readonly folder: string;
  /** @throws Error with the server's answer, unless it is a 2xx */
  // biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
  request(method: string, path: string, body?: unknown, contentType?: string): Promise<any>;
}

export interface ControlPlane extends ApiServer, ClusterObjects, PodIdentity, AsyncDisposable {
  /** As the administrator; its output. @throws Error with what it said, unless it exits with 0 */
  kubectl(args: readonly string[], stdin?: string, env?: Readonly<Record<string, string>>): Promise<string>;
  /** `kubectl apply -f -` */
  apply(yaml: string, namespace?: string): Promise<string>;
  /** Writes a kubeconfig; its path. */
  kubeconfig(options?: KubeconfigOptions): string;
  /** SIGKILL, and waits until it is gone. */
  kill(part: Part): Promise<void>;
  /** Whatever does not run, with the same data on the same ports; waits until it is ready. */
  start(): Promise<void>;
  /** Etcd forgets all revisions but the present one. */
  compact(): Promise<void>;
}

let shared: Promise<ControlPlane | undefined> | undefined;

/** One for the whole test process, never disposed; `undefined` where there can be none (see kubernetes-binaries.ts). Keep to a namespace. */
export function controlPlane(): Promise<ControlPlane | undefined> {
  shared ??= ownControlPlane();
  return shared;
}

/** One of its own, for tests that break it. */
export async function ownControlPlane(): Promise<ControlPlane | undefined> {
  const binaries = await kubernetesBinaries();
  if (!binaries) return undefined;
  for (let attempt = 1; ; attempt++) {
    const folder = mkdtempSync(join(tmpdir(), "microrun-control-plane-"));
    removeAtEnd(folder);
    const made = await make(folder, binaries);
    try {
      await made.start();
      return made;
    } catch (error) {
      await made[Symbol.asyncDispose]();
      // Between being found free and being used a port may be taken.
      if (attempt === maxAttempts || !/address already in use/.test(String(error))) throw error;
    }
  }
}

const maxAttempts = 3;
const maxStartMs = 60_000;
const issuer = "https://kubernetes.default.svc.cluster.local";

async function make(
  folder: string,
  binaries: Readonly<Record<Part | "kubectl", string>>,
): Promise<ControlPlane> {
  const [port = 0, etcdPort = 0, peerPort = 0] = await freePorts(3);
  const url = `https://127.0.0.1:${port}`;
  const etcd = `http://127.0.0.1:${etcdPort}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  const authority = makeAuthority();
  const admin = authority.issue({ name: "admin", organization: "system:masters" });
  const hosts = ["kubernetes", "kubernetes.default.svc", "localhost", "127.0.0.1", "10.96.0.1"];
  const serving = authority.issue({ name: "kube-apiserver", hosts });
  const tokens = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const tokenKey = tokens.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const ca = file("ca.crt", authority.cert);
  const tokenKeyFile = file("tokens.key", tokenKey);
  const commands: Readonly<Record<Part, readonly string[]>> = {
    etcd: [
      "--name=test",
      `--data-dir=${join(folder, "etcd")}`,
      `--listen-client-urls=${etcd}`,
      `--advertise-client-urls=${etcd}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=test=${peer}`,
      "--unsafe-no-fsync", // a test's data need not outlive the machine
      "--log-level=warn",
    ],
    "kube-apiserver": [
      `--etcd-servers=${etcd}`,
      "--bind-address=127.0.0.1",
      "--advertise-address=127.0.0.1",
      `--secure-port=${port}`,
      "--endpoint-reconciler-type=none", // 127.0.0.1 may not be an endpoint
      `--client-ca-file=${ca}`,
      `--tls-cert-file=${file("serving.crt", serving.cert)}`,
      `--tls-private-key-file=${file("serving.key", serving.key)}`,
      `--service-account-issuer=${issuer}`,
      `--service-account-signing-key-file=${tokenKeyFile}`,
      `--service-account-key-file=${file("tokens.pub", tokens.publicKey.export({ type: "spki", format: "pem" }).toString())}`,
      "--authorization-mode=Node,RBAC",
      "--service-cluster-ip-range=10.96.0.0/16",
      "--allow-privileged=true",
      "--profiling=false",
    ],
  };
  const running = new Map<Part, Bun.Subprocess>();

  const request: ApiServer["request"] = async (method, path, body, contentType = "application/json") => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { "content-type": contentType },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      keepalive: true,
      tls: { ca: authority.cert, cert: admin.cert, key: admin.key },
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer}`);
    return answer.startsWith("{") ? JSON.parse(answer) : answer;
  };

  const log = (part: Part): string => readFileSync(join(folder, `${part}.log`), "utf8");
  const begin = (part: Part): void => {
    const output = Bun.file(join(folder, `${part}.log`));
    // Ends with this process, also when that is killed.
    const child = Bun.spawn(["setpriv", "--pdeathsig", "KILL", binaries[part], ...commands[part]], {
      stdin: "ignore",
      stdout: output,
      stderr: output,
    });
    child.unref();
    running.set(part, child);
  };
  const untilReady = async (part: Part, ready: () => Promise<unknown>): Promise<void> => {
    const end = Date.now() + maxStartMs;
    for (;;) {
      try {
        await ready();
        return;
      } catch (error) {
        const gone = running.get(part)?.exitCode !== null;
        if (!gone && Date.now() < end) {
          await Bun.sleep(50);
          continue;
        }
        throw new Error(`${part} ${gone ? "ended" : "is not ready"}: ${error}\n${log(part).slice(-4000)}`);
      }
    }
  };
  const kill = async (part: Part): Promise<void> => {
    const child = running.get(part);
    running.delete(part);
    child?.kill("SIGKILL");
    await child?.exited;
  };
  const kubeconfigs = join(folder, "kubeconfigs");
  mkdirSync(kubeconfigs);
  const kubeconfig: ControlPlane["kubeconfig"] = ({ user, ...options } = {}) => {
    const path = join(kubeconfigs, crypto.randomUUID());
    const certificate = options.certificate ?? (user ? authority.issue(user) : admin);
    const text = kubeconfigText({ ca: authority.cert, server: url, ...options, certificate });
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const adminKubeconfig = kubeconfig();
  const kubectl: ControlPlane["kubectl"] = async (args, stdin, env = {}) => {
    const command = [
      binaries.kubectl,
      `--kubeconfig=${adminKubeconfig}`,
      `--cache-dir=${join(folder, "kubectl")}`,
    ];
    const child = Bun.spawn([...command, ...args], {
      env: { ...process.env, ...env },
      stdin: stdin === undefined ? "ignore" : Buffer.from(stdin),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [output, said] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    if ((await child.exited) !== 0) throw new Error(`kubectl ${args.join(" ")}: ${said}`);
    return output;
  };

  const api: ApiServer = { url, port, authority, tokenKey, folder, request };
  return {
    ...api,
    ...clusterObjects(api),
    ...podIdentity(api),
    kubectl,
    apply: (yaml, namespace) =>
      kubectl(["apply", "-f", "-", ...(namespace ? [`--namespace=${namespace}`] : [])], yaml),
    kubeconfig,
    kill,
    async start() {
      if (!running.has("etcd")) begin("etcd");
      if (!running.has("kube-apiserver")) begin("kube-apiserver");
      await untilReady("etcd", () => etcdRequest("maintenance/status", {}));
      await untilReady("kube-apiserver", () => request("GET", "/readyz"));
    },
    async compact() {
      const { header } = await etcdRequest("kv/range", { key: Buffer.from("\0").toString("base64") });
      await etcdRequest("kv/compaction", { revision: header.revision, physical: true });
    },
    async [Symbol.asyncDispose]() {
      await kill("kube-apiserver");
      await kill("etcd");
      rmSync(folder, { recursive: true, force: true });
    },
  };

  async function etcdRequest(path: string, body: unknown): Promise<{ header: { revision: string } }> {
    const response = await fetch(`${etcd}/v3/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      keepalive: false,
    });
    if (!response.ok) throw new Error(`etcd ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { header: { revision: string } };
  }
}

/** Removes the folder when this process is no more, however it ended: `bun test` emits no exit event. */
function removeAtEnd(folder: string): void {
  const script = 'trap "" INT TERM HUP; cat >/dev/null; sleep 0.5; rm -rf "$0"';
  Bun.spawn(["sh", "-c", script, folder], { stdin: "pipe", stdout: "ignore", stderr: "ignore" }).unref();
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
