/** What the API server says against an object that is brought to it, and what to do. */
import { MicrorunError } from "../../errors.ts";

/** @param name `deployment/greeter` @param namespace undefined: the object is of the whole cluster */
export function applyError(error: MicrorunError, name: string, namespace: string | undefined): MicrorunError {
  const hint = hintFor(error, name, namespace) ?? error.hint ?? usualHint(error.code);
  const options = { cause: error, ...(hint === undefined ? {} : { hint }) };
  if (error.code === "cancelled") return error;
  // the same whatever was asked for
  if (error.code === "unavailable") return new MicrorunError(error.code, error.message, options);
  // what the cluster says against it is no mistake in the command line
  const code = error.code === "invalid_argument" ? "failed_precondition" : error.code;
  return new MicrorunError(code, `cannot apply ${name}: ${error.message}`, {
    ...options,
    ...(error.reason === undefined ? {} : { reason: error.reason }),
  });
}

function usualHint(code: string): string | undefined {
  if (code === "unavailable") return "check that the cluster runs, and that the kubeconfig names it";
  return code === "invalid_argument" ? "give another value by the flag that sets this field" : undefined;
}

function hintFor(error: MicrorunError, name: string, namespace: string | undefined): string | undefined {
  const { code, message } = error;
  if (code === "aborted")
    return "let whoever set these fields give them up, or take them over by --force_conflicts";
  if (code === "unauthenticated") return "log in to the cluster anew, or check the user of the kubeconfig";
  if (code === "not_found" && /^namespaces? "/.test(message))
    return "create the namespace, or add --create_namespace";
  if (/field is immutable|may not change once set|can not be unset/.test(message))
    return removal(name, namespace);
  if (code !== "permission_denied") return undefined;
  const [, user, verb = "", resource] = /User "([^"]+)" cannot (\w+) resource "([^"]+)"/.exec(message) ?? [];
  const isWide = namespace === undefined || message.includes("at the cluster scope");
  const where = isWide ? "in the cluster" : `in namespace ${namespace}`;
  if (resource !== undefined) {
    const verbs = verb === "patch" ? "create and patch" : verb;
    return `have ${user} be allowed to ${verbs} ${resource} ${where}`;
  }
  return /attempting to grant RBAC permissions/.test(message)
    ? `apply this Role as someone who has its permissions, or have ${where} the verbs escalate and bind on roles`
    : undefined;
}

/** What cannot change can be made anew. */
export function removal(name: string, namespace: string | undefined): string {
  const inNamespace = namespace === undefined ? "" : ` -n ${namespace}`;
  return `choose another --name, or remove what is there: kubectl${inNamespace} delete ${name}`;
}
