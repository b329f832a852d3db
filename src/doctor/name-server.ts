/** Whether names can be looked up, and the cluster's own among them. */
import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { type Check, type Finding, fail, ok, warn } from "./doctor.ts";

/** Every cluster has it. */
const clusterName = "kubernetes.default.svc";

export interface NameSettings {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

export function nameServerCheck(inCluster: boolean): Check {
  return {
    name: "dns",
    async run() {
      const settings = readNames(textOf("/etc/resolv.conf"));
      const address = inCluster ? await addressOf(clusterName) : undefined;
      return judgeNames(settings, inCluster ? { address } : undefined);
    },
  };
}

/** @param text of a resolv.conf */
export function readNames(text: string): NameSettings {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
  const after = (...keywords: string[]): string[][] =>
    lines.filter(([first]) => keywords.includes(first ?? "")).map(([, ...words]) => words);
  return {
    servers: after("nameserver").flatMap(([server]) => server ?? []),
    // the last of these lines holds
    search: after("search", "domain").at(-1) ?? [],
    options: after("options").flat(),
  };
}

/** @param cluster undefined outside of one */
export function judgeNames(
  { servers, search, options }: NameSettings,
  cluster: { readonly address: string | undefined } | undefined,
): Finding[] {
  const ndots = options.find((option) => option.startsWith("ndots:"));
  const how = [
    `nameserver ${servers.join(", ")}`,
    ...(search.length === 0 ? [] : [`search ${search.join(" ")}`]),
    ...(ndots === undefined ? [] : [ndots]),
  ].join(", ");
  const settings =
    servers.length === 0
      ? warn("/etc/resolv.conf names no nameserver", "write one into it, or call others by address")
      : ok(how);
  if (cluster === undefined) return [settings];
  if (cluster.address === undefined)
    return [
      settings,
      fail(
        `${clusterName} cannot be resolved: nor can any Service`,
        "set dnsPolicy: ClusterFirst in the Pod (ClusterFirstWithHostNet on the host's network), and look at CoreDNS",
      ),
    ];
  const within = search.some((domain) => /(^|\.)svc\./.test(domain));
  return [
    settings,
    ok(`${clusterName} is ${cluster.address}`),
    ...(within
      ? []
      : [
          warn(
            "no search domain of the cluster: a Service's name alone is not found",
            "set dnsPolicy: ClusterFirst, or STATIC_SELECTOR_DOMAIN_NAME=NAMESPACE.svc.cluster.local",
          ),
        ]),
  ];
}

async function addressOf(name: string): Promise<string | undefined> {
  const found = await lookup(name).catch(() => undefined);
  return found?.address;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
