/** What a service's name means where services have namespaces: the rule that every selector and registry follows. */
import { isIPv4, isIPv6 } from "node:net";
import { MicrorunError } from "./errors.ts";

/**
 * - `greeter`: the service of that name, in this process's namespace.
 * - `greeter.team-a` (one dot): `greeter` of the namespace `team-a`.
 * - `greeter.team-a.svc`, `greeter.team-a.svc.cluster.local`: the same, written as Kubernetes' DNS writes it.
 * - `go.micro.srv.greeter` (more dots): a name of Go Micro's, whose Kubernetes Service is `go-micro-srv-greeter`, as a Service's
 *   name has no dots.
 * - `greeter.example.com.` (a dot at the end), an IP address, anything with a port of its own (`greeter:9090`): a host's name as
 *   it stands.
 *
 * In a registry an instance that bears the whole name, dots and all, comes before any of these.
 */
export interface ServiceName {
  /** The Kubernetes Service's name. Empty for a host. */
  readonly name: string;
  readonly namespace?: string;
  /** A host's name or address that no rule applies to; IPv6 without its brackets. */
  readonly host?: string;
  /** The port of its own. */
  readonly port?: number;
}

/** The longest name that DNS carries. */
const maxNameLength = 253;

export function parseServiceName(text: string): ServiceName {
  if (isIPv4(text) || isIPv6(text)) return { name: "", host: text };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? text;
  const port = digits === undefined ? {} : { port: Number(digits) };
  if (host.endsWith(".")) return { name: "", host: host.slice(0, -1), ...port };
  if (bracketed !== undefined || plain === undefined || digits !== undefined)
    return { name: "", host, ...port };
  const labels = text.split(".");
  const [name = "", namespace] = labels;
  if (labels.length === 2 || labels[2] === "svc") return { name, ...(namespace ? { namespace } : {}) };
  return { name: labels.join("-") };
}

/**
 * The name's meaning, where it can have one: what is asked of DNS must be a name of its.
 * @throws MicrorunError `invalid_argument`
 */
export function checkedServiceName(text: string): ServiceName {
  const parsed = parseServiceName(text);
  const { host = text, port = 1 } = parsed;
  const isName = !text.startsWith("[") && /^[\w-]+(\.[\w-]+)*$/.test(host);
  const possible = isIPv6(host) || (isName && host.length <= maxNameLength);
  if (possible && port >= 1 && port <= 65_535) return parsed;
  throw new MicrorunError("invalid_argument", `service ${JSON.stringify(text.slice(0, 80))}: not a name`, {
    hint: "name a service (greeter), one of another namespace (greeter.team-a), or a host:port",
  });
}

/**
 * Those that bear the name `asked`; if none does, those that it means by the rule. One without a namespace is in all of them.
 */
export function bearers<T extends { readonly service: string; readonly namespace?: string }>(
  all: Iterable<T>,
  asked: string,
): T[] {
  const known = [...all];
  const exact = known.filter(({ service }) => service === asked);
  if (exact.length > 0) return exact;
  const { name, namespace, host } = parseServiceName(asked);
  if (host !== undefined || name === asked) return [];
  return known.filter(
    (one) =>
      one.service === name &&
      (namespace === undefined || one.namespace === undefined || one.namespace === namespace),
  );
}
