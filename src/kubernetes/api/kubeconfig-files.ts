/** Kubeconfigs as kubectl reads them: one file or several merged, the first to say something wins. */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import {
  type Cluster,
  type Context,
  newClusters,
  newContexts,
  newUsers,
} from "@kubernetes/client-node/dist/config_types.js";
import { errorText, MicrorunError } from "../../errors.ts";
import { readYaml } from "../../yaml.ts";
import type { UserEntry } from "./user-login.ts";

/** Named entries of all files. */
export interface Kubeconfig {
  readonly currentContext: string | undefined;
  readonly contexts: readonly Context[];
  readonly clusters: readonly Cluster[];
  readonly users: readonly UserEntry[];
}

/** How many files KUBECONFIG may name. */
const maxFiles = 100;

/** Files that may be missing, as long as one is there. */
export function usualFiles(env: Readonly<Record<string, string | undefined>>): string[] {
  const named = (env.KUBECONFIG ?? "").split(delimiter).filter((file) => file !== "");
  return named.length > 0 ? named.slice(0, maxFiles) : [join(env.HOME || homedir(), ".kube", "config")];
}

/**
 * Undefined when none of them is there.
 * @throws MicrorunError `failed_precondition` for one that cannot be read
 */
export async function readKubeconfig(files: readonly string[]): Promise<Kubeconfig | undefined> {
  const read: Kubeconfig[] = [];
  for (const file of files) {
    const text = await readFile(file, "utf8").catch((error) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
      throw unreadable(file, errorText(error), "check that it is a file that you may read");
    });
    if (text !== undefined) read.push(parse(text, file));
  }
  if (read.length === 0) return undefined;
  return {
    currentContext: read.map(({ currentContext }) => currentContext).find(Boolean),
    contexts: read.flatMap(({ contexts }) => contexts),
    clusters: read.flatMap(({ clusters }) => clusters),
    users: read.flatMap(({ users }) => users),
  };
}

function parse(text: string, file: string): Kubeconfig {
  const folder = dirname(file);
  const absolute = (path: unknown) =>
    typeof path !== "string" || path === "" || isAbsolute(path) ? path : resolve(folder, path);
  try {
    // biome-ignore lint/suspicious/noExplicitAny: whatever the file has; a wrong shape is a TypeError
    const root = (readYaml(text) ?? {}) as any;
    const users: unknown[] = Array.isArray(root.users) ? root.users : [];
    for (const entry of [...users, ...(Array.isArray(root.clusters) ? root.clusters : [])]) {
      const inner = entry?.user ?? entry?.cluster ?? {};
      for (const key of pathKeys) if (key in inner) inner[key] = absolute(inner[key]);
      // a bare name is looked for in PATH
      if (/[/\\]/.test(inner.exec?.command ?? "")) inner.exec.command = absolute(inner.exec.command);
    }
    const more = users.map(takeOwn);
    return {
      currentContext: root["current-context"] || undefined,
      contexts: newContexts(root.contexts),
      clusters: newClusters(root.clusters).map((cluster) => ({ ...cluster, ...preferData(cluster) })),
      users: newUsers(root.users).map((user, index) => ({ ...user, ...more[index] })),
    };
  } catch (error) {
    throw unreadable(
      file,
      error instanceof TypeError ? "not a kubeconfig" : errorText(error),
      "mend the entry",
    );
  }
}

const pathKeys = ["certificate-authority", "client-certificate", "client-key", "tokenFile"] as const;

function preferData({ caData }: Cluster): { caFile?: string } {
  return caData ? { caFile: "" } : {};
}

/** A token file beats a token. client-node looks for it under a name that kubectl does not know, and would read it once. */
// biome-ignore lint/suspicious/noExplicitAny: as the file has it
function takeOwn(entry: any): Pick<UserEntry, "tokenFile" | "impersonateGroups"> {
  const { tokenFile, "as-groups": groups } = entry?.user ?? {};
  if (entry?.user) delete entry.user["token-file"];
  return {
    ...(typeof tokenFile === "string" && tokenFile !== "" ? { tokenFile } : {}),
    ...(Array.isArray(groups) ? { impersonateGroups: groups.map(String) } : {}),
  };
}

function unreadable(file: string, why: string, hint: string): MicrorunError {
  return new MicrorunError("failed_precondition", `cannot read the kubeconfig ${file}: ${why}`, { hint });
}
