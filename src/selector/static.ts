/** No discovery: a service is reached under its own name, and Kubernetes' Service balances (micro/kubernetes' static selector). */
import { formatAddress } from "../address.ts";
import type { Selector } from "./selector.ts";
import { type StaticOptions, targetOf } from "./target.ts";

export type { StaticOptions } from "./target.ts";

/** Services whose addresses are remembered; there are hardly ever as many. */
const maxRemembered = 1000;

export function staticSelector(options: StaticOptions = {}): Selector {
  const known = new Map<string, string>();
  return {
    name: "static",
    pick(service) {
      let address = known.get(service);
      if (address === undefined) {
        address = formatAddress(targetOf(service, options));
        if (known.size >= maxRemembered) known.clear();
        known.set(service, address);
      }
      return address;
    },
    async [Symbol.asyncDispose]() {},
  };
}
