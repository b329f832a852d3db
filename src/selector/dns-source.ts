/** Instances as DNS has them, asked again as often as its answers say. */
import { Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import type { Instance } from "../registry/registry.ts";
import { pause } from "../wait.ts";
import { addressInstance, unchanging } from "./address-instance.ts";
import { type Answer, askDns, askSystem } from "./dns-records.ts";
import { type SearchList, searched, systemSearch } from "./search.ts";
import type { Source } from "./source.ts";
import { type StaticOptions, type Target, targetOf } from "./target.ts";

export interface DnsSourceOptions extends StaticOptions {
  /** `ip:port` of the DNS servers, whose answers alone count then. @default the system's */
  servers?: readonly string[];
  /** @default /etc/resolv.conf */
  search?: SearchList;
  /** Waits between two questions. @default pause */
  wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** How long an answer holds whose time to live is not known; and the bounds of that time otherwise. In ms. */
const defaultTtlMs = 5000;
const minTtlMs = 1000;
const maxTtlMs = 30_000;

/** How long one question to one server may take, in ms, and how often it is asked. */
const queryMs = 2000;
const queries = 2;

export function dnsSource(options: DnsSourceOptions = {}): Source {
  const { servers, search = systemSearch(), wait = pause } = options;
  const reasons = new Map<string, string>();

  const resolve = async (target: Target, signal: AbortSignal, before?: string): Promise<Named> => {
    // a new one each time: it keeps answers for as long as their time to live, and never reads resolv.conf again
    const resolver = new Resolver({ timeout: queryMs, tries: queries });
    if (servers !== undefined) resolver.setServers([...servers]);
    const cancel = (): void => resolver.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    const named = await searchFor(resolver, target, before);
    signal.removeEventListener("abort", cancel);
    return named;
  };
  const searchFor = async (resolver: Resolver, target: Target, before?: string): Promise<Named> => {
    const names = target.absolute ? [target.host] : searched(target.host, search);
    let failed: Answer | undefined;
    for (const name of names) {
      const answer = await askDns(resolver, name, target);
      if ("found" in answer) return { name, answer };
      // no other name's answer takes the place of what this one told before
      if ("failed" in answer && name === before) return { name, answer };
      if ("failed" in answer) failed ??= answer;
    }
    const answer = failed ?? { none: `DNS has no address of ${target.host}` };
    if (servers !== undefined) return { answer };
    const system = await askSystem(target);
    return { answer: "found" in system ? system : answer };
  };

  async function* follow(service: string, target: Target, signal: AbortSignal): Changes {
    let name: string | undefined;
    let last: string | undefined;
    for (let vain = 0; !signal.aborted; ) {
      const resolved = await resolve(target, signal, name);
      if (signal.aborted) break;
      const { answer } = resolved;
      name = resolved.name;
      // what was last known holds while DNS does not answer
      if (!("failed" in answer && last !== undefined)) {
        if ("found" in answer) reasons.delete(service);
        else reasons.set(service, "none" in answer ? answer.none : answer.failed);
        const instances = instancesOf(service, answer);
        const text = JSON.stringify(instances);
        if (text !== last) yield instances;
        last = text;
      }
      vain = "found" in answer ? 0 : vain + 1;
      const ttlMs = "found" in answer ? (answer.ttlMs ?? defaultTtlMs) : minTtlMs * 2 ** (vain - 1);
      await wait(Math.min(maxTtlMs, Math.max(minTtlMs, ttlMs)), signal);
    }
    reasons.delete(service);
  }

  return {
    title: "DNS",
    check: (service) => void targetOf(service, options),
    why: (service) => reasons.get(service),
    isNear: ({ metadata }) => metadata.later === undefined,
    weight: ({ metadata }) => Number(metadata.weight ?? 1),
    watch(service, signal) {
      const target = targetOf(service, options);
      return isIP(target.host) === 0
        ? follow(service, target, signal)
        : unchanging(addressInstance(service, target.host, target.port), signal);
    },
  };
}

type Changes = AsyncGenerator<readonly Instance[]>;

/** An answer, and which of the names that were searched gave it. */
interface Named {
  readonly name?: string;
  readonly answer: Answer;
}

/** In an order of their own: servers turn their answers round. */
function instancesOf(service: string, answer: Answer): Instance[] {
  if (!("found" in answer)) return [];
  return answer.found
    .map(({ host, port, first, weight }) =>
      addressInstance(service, host, port, {
        ...(weight === 1 ? {} : { weight: String(weight) }),
        ...(first ? {} : { later: "yes" }),
      }),
    )
    .sort((a, b) => (a.address < b.address ? -1 : 1));
}
