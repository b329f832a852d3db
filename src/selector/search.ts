/** The names that a host's name may stand for, by resolv.conf's search domains: c-ares, which asks DNS for us, knows them not. */
import { readFileSync } from "node:fs";

/** What of a resolv.conf says where names are searched. */
export interface SearchList {
  readonly domains: readonly string[];
  /** A name with fewer dots is first looked for in the domains. @default 1 */
  readonly ndots: number;
}

/** The most domains that are searched, as glibc had it for long. */
const maxDomains = 8;

/** @param text of a resolv.conf */
export function parseSearch(text: string): SearchList {
  let domains: string[] = [];
  let ndots = 1;
  for (const line of text.split("\n")) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    // the last of these lines holds
    if (keyword === "search" || keyword === "domain")
      domains = words.map((word) => word.replace(/\.$/, "")).filter((word) => word !== "");
    if (keyword === "options")
      for (const word of words) if (/^ndots:\d+$/.test(word)) ndots = Number(word.slice("ndots:".length));
  }
  return { domains: domains.slice(0, maxDomains), ndots };
}

export function systemSearch(): SearchList {
  try {
    return parseSearch(readFileSync("/etc/resolv.conf", "utf8"));
  } catch {
    return { domains: [], ndots: 1 };
  }
}

/** In the order in which they are asked for. */
export function searched(host: string, { domains, ndots }: SearchList): string[] {
  const dots = host.split(".").length - 1;
  const within = domains.map((domain) => `${host}.${domain}`);
  return dots < ndots ? [...within, host] : [host, ...within];
}
