/** The credentials of a kubeconfig's user: certificate, token, token file, password, plugin. */
import type { User } from "@kubernetes/client-node/dist/config_types.js";
import { MicrorunError } from "../../errors.ts";
import type { LoginSource } from "./access.ts";
import { type ExecOptions, execLogin } from "./exec-plugin.ts";
import { type RememberedFile, rememberedFile } from "./remembered-file.ts";

/** What client-node's reading of a user leaves out. */
export interface UserEntry extends User {
  readonly tokenFile?: string;
  readonly impersonateGroups?: readonly string[];
}

/** @throws MicrorunError `failed_precondition` for what only other clients can do */
export function userLogin(user: UserEntry, exec: ExecOptions): LoginSource {
  if (user.authProvider) {
    throw new MicrorunError(
      "failed_precondition",
      `user ${user.name} of the kubeconfig: auth-provider ${user.authProvider.name} is not supported`,
      { hint: "use an exec plugin in its place, such as kubelogin" },
    );
  }
  const cert = pem(user.certData, user.certFile, "client certificate");
  const key = pem(user.keyData, user.keyFile, "client key");
  const tokenFile = user.tokenFile === undefined ? undefined : rememberedFile(user.tokenFile, "token file");
  const plugin = user.exec ? execLogin(user.exec, exec) : undefined;
  const impersonation = impersonationOf(user);
  return {
    current: async () => {
      const asked = await plugin?.current();
      const token = (await tokenFile?.read()) ?? user.token;
      const password = Buffer.from(`${user.username}:${user.password ?? ""}`).toString("base64");
      return {
        headers: {
          ...(user.username ? { authorization: `Basic ${password}` } : {}),
          ...asked?.headers,
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...impersonation,
        },
        cert: (await cert?.read()) ?? asked?.cert,
        key: (await key?.read()) ?? asked?.key,
      };
    },
    renew: async () => (await plugin?.renew()) === true || (await tokenFile?.changed()) === true,
  };
}

/** Base64 in the kubeconfig beats a file. */
export function pem(data: unknown, file: string | undefined, what: string): RememberedFile | undefined {
  if (typeof data === "string" && data !== "") {
    const text = Buffer.from(data, "base64").toString();
    if (!text.includes("-----BEGIN ")) {
      throw new MicrorunError("failed_precondition", `${what} of the kubeconfig: not PEM in base64`, {
        hint: "write it with kubectl config set-cluster or set-credentials, --embed-certs=true",
      });
    }
    return { read: async () => text, changed: async () => false };
  }
  return file ? rememberedFile(file, what) : undefined;
}

function impersonationOf({ impersonateUser, impersonateGroups = [] }: UserEntry): Record<string, string> {
  if (!impersonateUser) return {};
  if (impersonateGroups.length > 1) {
    // fetch joins a repeated header into one, which the API server takes for a single group
    throw new MicrorunError("failed_precondition", "as-groups of the kubeconfig: more than one group", {
      hint: "name one group",
    });
  }
  const [group] = impersonateGroups;
  return {
    "impersonate-user": impersonateUser,
    ...(group === undefined ? {} : { "impersonate-group": group }),
  };
}
