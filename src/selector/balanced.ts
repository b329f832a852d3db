/** An instance of the registry's for each call, by one of four strategies. */
import type { Log } from "../log.ts";
import type { Registry } from "../registry/registry.ts";
import { parseServiceName } from "../service-name.ts";
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
    watch(service, signal) {
      const { host, port } = parseServiceName(service);
      if (host === undefined || port === undefined) return registry.watch(service, signal);
      return unchanging(addressInstance(service, host, port), signal);
    },
    why(service) {
      const { host, port } = parseServiceName(service);
      return host === undefined || port !== undefined ? undefined : "a host needs its port";
    },
    zone: () => registry.zone?.(),
    staleSince: () => registry.staleSince?.(),
  };
}
