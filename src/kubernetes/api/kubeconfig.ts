/** The API server that a kubeconfig's context names. */
import { didYouMean, MicrorunError, usageError } from "../../errors.ts";
import type { Access } from "./access.ts";
import { type Kubeconfig, readKubeconfig, usualFiles } from "./kubeconfig-files.ts";
import { proxyFor } from "./proxy.ts";
import { pem, userLogin } from "./user-login.ts";

export interface KubeconfigOptions {
  /** Undefined: KUBECONFIG's files, else `~/.kube/config`. */
  readonly file: string | undefined;
  /** Undefined: the current one. */
  readonly context: string | undefined;
  /** In place of the cluster's URL. */
  readonly server: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends plugins that are running. */
  readonly signal: AbortSignal;
}

/**
 * Undefined when there is no file and none was asked for.
 * @throws MicrorunError `invalid_argument` for a file or a context that was asked for and is not there, `failed_precondition` for
 * what is wrong in the files
 */
export async function kubeconfigAccess(options: KubeconfigOptions): Promise<Access | undefined> {
  const { file, env, signal } = options;
  const config = await readKubeconfig(file === undefined ? usualFiles(env) : [file]);
  if (config === undefined) {
    if (file === undefined) return undefined;
    throw usageError(`--kubeconfig=${file}: no such file`, "give the path of a kubeconfig");
  }
  const context = contextOf(config, options.context);
  const cluster = config.clusters.find(({ name }) => name === context.cluster);
  const user = config.users.find(({ name }) => name === context.user) ?? { name: "nobody" };
  if (cluster === undefined) throw dangling(context.name, "cluster", context.cluster);
  if (context.user && user.name !== context.user) throw dangling(context.name, "user", context.user);
  const server = (options.server ?? cluster.server).replace(/\/+$/, "");
  if (!/^https?:$/.test(URL.canParse(server) ? new URL(server).protocol : "")) {
    throw new MicrorunError(
      "failed_precondition",
      `cluster ${cluster.name} of the kubeconfig: ${server} is no URL`,
      {
        hint: "give it a server such as https://10.0.0.1:6443",
      },
    );
  }
  const ca = pem(cluster.caData, cluster.caFile, "CA");
  const proxy = proxyFor(new URL(server), cluster.proxyUrl, env);
  // a name that was right for another server
  const serverName = options.server === undefined ? cluster.tlsServerName || undefined : undefined;
  const told = {
    server,
    ...(cluster.caData ? { "certificate-authority-data": cluster.caData } : {}),
    ...(serverName === undefined ? {} : { "tls-server-name": serverName }),
  };
  const login = userLogin(user, { env, cluster: told, signal });
  return {
    server,
    namespace: context.namespace || "default",
    approach: async () => {
      const { headers, cert, key } = await login.current();
      return {
        route: { ca: await ca?.read(), cert, key, serverName, insecure: cluster.skipTLSVerify, proxy },
        headers,
      };
    },
    renew: () => login.renew(),
  };
}

function contextOf(config: Kubeconfig, asked: string | undefined): Kubeconfig["contexts"][number] {
  const names = [...new Set(config.contexts.map(({ name }) => name))];
  const known = names.length === 0 ? "it has none" : `use one of ${names.join(", ")}`;
  const wanted = asked ?? config.currentContext;
  if (wanted === undefined) {
    throw new MicrorunError("failed_precondition", "the kubeconfig has no current context", {
      hint: `name one with --kubernetes_context: ${known}`,
    });
  }
  const context = config.contexts.find(({ name }) => name === wanted);
  if (context !== undefined) return context;
  const why = `no such context in the kubeconfig${didYouMean(wanted, names)}`;
  if (asked !== undefined) throw usageError(`--kubernetes_context=${asked}: ${why}`, known);
  throw new MicrorunError("failed_precondition", `current-context ${wanted}: ${why}`, { hint: known });
}

function dangling(context: string, what: string, name: string): MicrorunError {
  return new MicrorunError(
    "failed_precondition",
    `context ${context} of the kubeconfig: it names a ${what} ${name} that is not there`,
    { hint: `add the ${what}, or use another context` },
  );
}
