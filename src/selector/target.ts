/** Where a service is by its name alone: the host that the static rule makes of it, and the port. */
import { checkedServiceName, parseServiceName } from "../service-name.ts";

export interface StaticOptions {
  /** Appended to the name with a dot (`STATIC_SELECTOR_DOMAIN_NAME`). @default none */
  domain?: string;
  /** `STATIC_SELECTOR_PORT_NUMBER`. @default 8080 */
  port?: number;
}

export interface Target {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** The name says the port. */
  readonly ownPort: boolean;
  /** The name is whole (a dot at its end): not to be looked for in search domains. */
  readonly absolute: boolean;
}

/** micro/kubernetes' port. */
const defaultPort = 8080;

/** @throws MicrorunError `invalid_argument` for what can be no name */
export function targetOf(service: string, { domain = "", port = defaultPort }: StaticOptions): Target {
  const { host, port: own } = checkedServiceName(service);
  return {
    host: host ?? hostOf(service, domain),
    port: own ?? port,
    ownPort: own !== undefined,
    absolute: /\.(:\d+)?$/.test(service),
  };
}

function hostOf(service: string, domain: string): string {
  const { name, namespace } = parseServiceName(service);
  if (namespace === undefined) return domain ? `${name}.${domain}` : name;
  const written = service.slice(name.length + namespace.length + 2);
  // written out to the cluster's domain, nothing is left to say
  if (written.includes(".")) return service;
  const rest = beyondNamespace(domain) || written;
  return `${name}.${namespace}${rest && `.${rest}`}`;
}

/** `default.svc.cluster.local` begins with a namespace, which the name's own takes the place of. */
function beyondNamespace(domain: string): string {
  const [, second] = domain.split(".", 2);
  return second === "svc" ? domain.slice(domain.indexOf(".") + 1) : domain;
}
