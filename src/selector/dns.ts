/** All addresses behind a name, by DNS: A, AAAA and SRV records of a headless Service. */
import type { Log } from "../log.ts";
import { type BalancerOptions, createBalancer } from "./balancer.ts";
import { type DnsSourceOptions, dnsSource } from "./dns-source.ts";
import { roundrobin } from "./roundrobin.ts";
import type { Selector } from "./selector.ts";

/** `domain` and `port` as the static selector's. */
export interface DnsOptions extends DnsSourceOptions, Pick<BalancerOptions, "cache" | "now" | "random"> {
  log: Log;
}

export function dnsSelector(options: DnsOptions): Selector {
  const { log, now, random } = options;
  return createBalancer({
    name: "dns",
    source: dnsSource(options),
    strategy: roundrobin,
    log,
    ...(now === undefined ? {} : { now }),
    ...(random === undefined ? {} : { random }),
    // resolving takes its time: names are searched, and questions asked again
    cache: { firstSnapshotMs: 10_000, ...options.cache },
  });
}
