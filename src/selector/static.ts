/** No discovery: a service is reached under its own name, and Kubernetes' Service balances (micro/kubernetes' static selector). */
import type { Selector } from "./selector.ts";

export interface StaticOptions {
  /** Appended to the name with a dot (`STATIC_SELECTOR_DOMAIN_NAME`). @default none */
  domain?: string;
  /** `STATIC_SELECTOR_PORT_NUMBER`. @default 8080 */
  port?: number;
}

export function staticSelector({ domain, port = 8080 }: StaticOptions = {}): Selector {
  const suffix = domain ? `.${domain}` : "";
  return { name: "static", pick: (service) => `${service}${suffix}:${port}` };
}
