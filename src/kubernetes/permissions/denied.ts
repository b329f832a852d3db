/** A refusal of the API server, told so that somebody can mend it: what, where, and the Role that allows it. */
import type { MicrorunError } from "../../errors.ts";
import type { LogFields } from "../../log.ts";
import { rbacYaml } from "./rbac.ts";

export interface Resource {
  /** Empty: the core group. */
  readonly apiGroup: string;
  /** `pods` */
  readonly name: string;
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
}

/** What a path of the API is about: `/api/v1/namespaces/team-a/pods`. */
export function resourceOf(path: string): Resource {
  const parts = path.split("/").filter((part) => part !== "");
  const apiGroup = parts[0] === "apis" ? (parts[1] ?? "") : "";
  const rest = parts.slice(parts[0] === "apis" ? 3 : 2);
  const namespace = rest[0] === "namespaces" && rest.length > 2 ? rest[1] : undefined;
  return { apiGroup, name: (namespace === undefined ? rest[0] : rest[2]) ?? path, namespace };
}

/** Whether the API server has answered, and the answer is that we may not: 401, 403, 404. */
export function isDenial(error: MicrorunError): boolean {
  return ["unauthenticated", "permission_denied", "not_found"].includes(error.code);
}

/** A log line. `fields.role` is the smallest YAML that allows it, where permissions are what is missing. */
export interface DeniedMessage {
  readonly message: string;
  readonly fields: LogFields;
}

/** What this process asks of the API server. */
export interface Needed {
  readonly register: boolean;
  readonly discover: boolean;
  /** Where it discovers; `*`: in all namespaces. @default where it was refused */
  readonly where?: string;
  /** ConfigMaps and Secrets, as `--config` has them. @default none */
  readonly sources?: readonly string[];
}

/** All that is to be granted with what was refused in a namespace; `*`: in all. */
export type Needs = (namespace: string) => Needed;

/**
 * @param resource `pods`; with its group where it has one: `endpointslices.discovery.k8s.io`
 * @param namespace undefined or `*`: all namespaces
 * @param needs the hint grants all of it: what is applied replaces what was before @default what the verb is for
 */
export function deniedMessage(
  error: MicrorunError,
  verb: string,
  resource: string,
  namespace: string | undefined,
  needs: Needs = () => ({ register: false, discover: false }),
): DeniedMessage {
  const [name = resource, ...group] = resource.split(".");
  const everywhere = namespace === undefined || namespace === "*";
  const where = everywhere ? "in all namespaces" : `in namespace ${namespace}`;
  const said = error.message;
  if (error.code === "unauthenticated") {
    const hint = error.hint ?? "check the service account's token, or the user of the kubeconfig";
    return {
      message: `cannot ${verb} ${name} ${where}: not logged in to the API server`,
      fields: { hint, said },
    };
  }
  if (error.code === "not_found") {
    const hint = `check that the cluster has ${resource}`;
    return { message: `cannot ${verb} ${name} ${where}: the API server knows none`, fields: { hint, said } };
  }
  const rule = { apiGroup: group.join("."), resources: [name], verbs: missing(verb) };
  const subject = subjectOf(said);
  const role = rbacYaml({
    rules: [rule],
    // what is granted for one verb must not replace what is for another
    name: `microrun-${name}-${rule.verbs[0]}`,
    clusterWide: everywhere,
    namespace: everywhere ? (subject.serviceAccountNamespace ?? "default") : namespace,
    ...subject,
  });
  const needed = needs(namespace ?? "*");
  const hint = grantHint(subject, subject.serviceAccountNamespace ?? namespace ?? "default", {
    register: needed.register || !reads(verb),
    discover: needed.discover || reads(verb),
    where: needed.where ?? namespace ?? "*",
    sources: needed.sources ?? [],
  });
  return { message: `may not ${verb} ${name} ${where}`, fields: { hint, role, said } };
}

/** The command that grants all of it. @param own where the service account is */
export function grantHint({ serviceAccount }: Subject, own: string, needed: Needed): string {
  const { register, discover, where = own, sources = [] } = needed;
  const flags = [
    ...(register || discover ? ["--registry=kubernetes"] : []),
    ...(discover && !register ? ["--no-register"] : []),
    ...(register && !discover ? ["--selector=static"] : []),
    ...sources.map((text) => `--config=${quoted(text)}`),
    `--namespace=${own}`,
    ...(serviceAccount === undefined ? [] : [`--service_account=${serviceAccount}`]),
    ...(discover && where !== own ? [`--kubernetes_namespace=${quoted(where)}`] : []),
  ];
  return `grant it: microrun rbac ${flags.join(" ")} | kubectl apply -f -`;
}

/** For a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Who may list but not watch is no better off: both are asked for at once. */
function missing(verb: string): string[] {
  return reads(verb) ? ["list", "watch"] : [verb];
}

function reads(verb: string): boolean {
  return verb === "list" || verb === "watch";
}

export interface Subject {
  readonly serviceAccount?: string;
  readonly serviceAccountNamespace?: string;
  readonly user?: string;
}

/** `pods is forbidden: User "system:serviceaccount:team-a:seller" cannot list …` */
export function subjectOf(message: string): Subject {
  const user = /User "([^"]+)"/.exec(message)?.[1];
  const [, namespace, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user ?? "") ?? [];
  if (namespace !== undefined && account !== undefined) {
    return { serviceAccount: account, serviceAccountNamespace: namespace };
  }
  return user === undefined || user === "system:anonymous" ? {} : { user };
}
