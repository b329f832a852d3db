/** A kubeconfig of one cluster, user and context, as text. */
import type { Pair, Subject } from "./certificate.ts";

export interface KubeconfigOptions {
  /** A certificate for this user is made. @default admin, of system:masters */
  readonly user?: Subject;
  readonly token?: string;
  readonly certificate?: Pair;
  readonly exec?: { command: string; args?: readonly string[]; env?: Readonly<Record<string, string>> };
  readonly namespace?: string;
  /** Trusted for the server, PEM. @default the right one */
  readonly ca?: string;
  /** @default this one */
  readonly server?: string;
}

export function kubeconfigText(
  options: Omit<KubeconfigOptions, "user"> &
    Required<Pick<KubeconfigOptions, "ca" | "server" | "certificate">>,
): string {
  const { token, exec, namespace, certificate, ca, server } = options;
  const encoded = (pem: string): string => Buffer.from(pem).toString("base64");
  const user = exec
    ? {
        exec: {
          apiVersion: "client.authentication.k8s.io/v1",
          interactiveMode: "Never",
          command: exec.command,
          args: exec.args ?? [],
          env: Object.entries(exec.env ?? {}).map(([name, value]) => ({ name, value })),
        },
      }
    : token !== undefined
      ? { token }
      : { "client-certificate-data": encoded(certificate.cert), "client-key-data": encoded(certificate.key) };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server, "certificate-authority-data": encoded(ca) } }],
    users: [{ name: "test", user }],
    contexts: [
      { name: "test", context: { cluster: "test", user: "test", ...(namespace ? { namespace } : {}) } },
    ],
    "current-context": "test",
  });
}
