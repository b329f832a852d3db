/** An instance of the registry's for each call, by one of four strategies. */
import { formatAddress } from "../address.ts";
import { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Registry } from "../registry/registry.ts";
import { checkedServiceName, parseServiceName } from "../service-name.ts";
import { addressInstance, unchanging } from "./address-instance.ts";
import { type BalancerOptions, createBalancer } from "./balancer.ts";
import { p2c } from "./p2c.ts";
import { random } from "./random.ts";
import { rendezvous } from "./rendezvous.ts";
import { roundrobin } from "./roundrobin.ts";
import type { Selector } from "./selector.ts";
import type { Source } from "./source.ts";
import type { Strategy } from "./strategy.ts";

export interface BalancedOptions extends Pick<BalancerOptions, "cache" | "now" | "random"> {
  strategy: "random" | "roundrobin" | "p2c" | "hash";
  registry: Registry;
  /** The metadata key that `hash` chooses by. */
  key?: string;
  /** @default registry.zone() */
  zone?: string;
  log: Log;
}

export function balancedSelector({ strategy, registry, key = "", ...options }: BalancedOptions): Selector {
  const source = registrySource(registry);
  return createBalancer({ ...options, name: strategy, source, strategy: strategyOf(strategy, key) });
}

function strategyOf(name: BalancedOptions["strategy"], key: string): Strategy {
  return name === "hash" ? rendezvous(key) : { random, roundrobin, p2c }[name];
}

function registrySource(registry: Registry): Source {
  return {
    title: `the ${registry.name} registry`,
    check(service) {
      if (service === "" || /[\s\p{Cc}]/u.test(service)) checkedServiceName(service);
      // any other text may be a name in a registry
      const { host, port } = parseServiceName(service);
      if (host === undefined || port !== undefined) return;
      throw new MicrorunError("invalid_argument", `service ${service}: a host needs its port`, {
        hint: `write ${formatAddress({ host, port: 8080 })}`,
      });
    },
    watch(service, signal) {
      const { host, port } = parseServiceName(service);
      if (host === undefined || port === undefined) return registry.watch(service, signal);
      return unchanging(addressInstance(service, host, port), signal);
    },
    zone: () => registry.zone?.(),
    staleSince: () => registry.staleSince?.(),
    trouble: (service) => registry.trouble?.(service),
  };
}
