/** No discovery: a service is reached under its own name, and Kubernetes' Service balances (micro/kubernetes' static selector). */
import { formatAddress } from "../address.ts";
import type { Selector } from "./selector.ts";
import { type StaticOptions, targetOf } from "./target.ts";

export type { StaticOptions } from "./target.ts";

export function staticSelector(options: StaticOptions = {}): Selector {
  return {
    name: "static",
    pick: (service) => formatAddress(targetOf(service, options)),
    async [Symbol.asyncDispose]() {},
  };
}
