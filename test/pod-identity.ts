/** What makes a process one of a Pod: a service account's folder in its place, tokens, and the variables that kubelet sets. */
import { createPrivateKey, sign } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { ApiServer } from "./control-plane.ts";

export interface TokenOptions {
  /** Lifetime in seconds, at least 600; shorter ones, also negative, are signed here instead of by the API server. @default 3600 */
  readonly seconds?: number;
}

export interface ServiceAccount {
  readonly name: string;
  readonly namespace: string;
  /** As kubelet lays it out: `..data` is a link, `token`, `ca.crt`, `namespace` are links through it. */
  readonly folder: string;
  token(): string;
  /** Puts a new token into the folder, or the text given, in one step as kubelet does. */
  rotate(token?: string | TokenOptions): Promise<void>;
}

export interface ServiceAccountOptions extends TokenOptions {
  /** The `ca.crt` of the folder. @default the right one */
  readonly ca?: string;
}

export interface AsPodOptions {
  /** In place of the API server's. */
  readonly host?: string;
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface PodIdentity {
  /** Made if it is not there. */
  serviceAccount(namespace: string, name?: string, options?: ServiceAccountOptions): Promise<ServiceAccount>;
  /**
   * What to put before a command so that it runs as in a Pod: `/var/run/secrets/kubernetes.io/serviceaccount` is the folder, for
   * nobody else, and KUBERNETES_SERVICE_HOST and _PORT are set. The process started is the command's own, and ends with ours.
   */
  asPod(account: Pick<ServiceAccount, "folder">, options?: AsPodOptions): string[];
}

// Where we are not root, /run/secrets cannot be made: then all of /run is covered.
const inPod = `
if mkdir -p /run/secrets 2>/dev/null; then mount -t tmpfs tmpfs /run/secrets; else mount -t tmpfs tmpfs /run; fi &&
mkdir -p /run/secrets/kubernetes.io/serviceaccount && mount --bind "$0" /run/secrets/kubernetes.io/serviceaccount &&
exec setpriv --pdeathsig KILL "$@"`;

export function podIdentity({ port, authority, tokenKey, folder: root, request }: ApiServer): PodIdentity {
  async function token(namespace: string, name: string, { seconds = 3600 }: TokenOptions): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`;
    if (seconds < 600) return shortToken((await request("GET", path)).metadata, seconds, tokenKey);
    const { status } = await request("POST", `${path}/token`, { spec: { expirationSeconds: seconds } });
    return status.token;
  }
  return {
    async serviceAccount(namespace, name = "default", options = {}) {
      try {
        await request("POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } });
      } catch (error) {
        if (!/ 409 /.test(String(error))) throw error;
      }
      const folder = mkdtempSync(join(root, "serviceaccount-"));
      const put = (text: string): void => {
        const data = `..${crypto.randomUUID()}`;
        mkdirSync(join(folder, data));
        for (const [file, content] of [
          ["token", text],
          ["ca.crt", options.ca ?? authority.cert],
          ["namespace", namespace],
        ] as const) {
          writeFileSync(join(folder, data, file), content);
        }
        const previous = link(join(folder, "..data"));
        symlinkSync(data, join(folder, "..data_tmp"));
        renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
        if (previous === undefined) {
          for (const file of ["token", "ca.crt", "namespace"])
            symlinkSync(`..data/${file}`, join(folder, file));
        } else rmSync(join(folder, previous), { recursive: true });
      };
      put(await token(namespace, name, options));
      return {
        name,
        namespace,
        folder,
        token: () => readFileSync(join(folder, "token"), "utf8"),
        rotate: async (next = {}) =>
          put(typeof next === "string" ? next : await token(namespace, name, next)),
      };
    },
    asPod({ folder }, { host = "127.0.0.1", port: other = port, env = {} } = {}) {
      const variables = { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: String(other), ...env };
      return [
        "unshare",
        ...(process.getuid?.() === 0 ? [] : ["--map-root-user"]),
        ...["--mount", "--propagation", "private", "sh", "-c", inPod, folder, "env"],
        ...Object.entries(variables).map(([key, value]) => `${key}=${value}`),
      ];
    },
  };
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** What the API server adds to a token's end. */
const leewaySeconds = 60;

/** The API server grants none for less than ten minutes, but takes what its key has signed. */
function shortToken(
  account: { namespace: string; name: string; uid: string },
  seconds: number,
  key: string,
): string {
  const { namespace, name, uid } = account;
  const now = Math.floor(Date.now() / 1000);
  const issuer = "https://kubernetes.default.svc.cluster.local";
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const body = `${encode({ alg: "ES256", typ: "JWT" })}.${encode({
    iss: issuer,
    aud: [issuer],
    sub: `system:serviceaccount:${namespace}:${name}`,
    iat: now - 3600,
    nbf: now - 3600,
    exp: now + seconds - leewaySeconds,
    "kubernetes.io": { namespace, serviceaccount: { name, uid } },
  })}`;
  const signature = sign("sha256", Buffer.from(body), {
    key: createPrivateKey(key),
    dsaEncoding: "ieee-p1363",
  });
  return `${body}.${signature.toString("base64url")}`;
}
