/** What DNS says of a name: addresses with ports, from SRV records where there are any, else from A or AAAA records. */
import type { SrvRecord } from "node:dns";
import { lookup, type Resolver } from "node:dns/promises";
import { within } from "../wait.ts";
import type { Target } from "./target.ts";

/** One address. */
export interface Found {
  readonly host: string;
  readonly port: number;
  /** SRV's: of those of the lowest priority true, the others are asked when these fail. */
  readonly first: boolean;
  /** SRV's, scaled: 1 to 10. */
  readonly weight: number;
}

/** `none`: DNS says that there is nothing; `failed`: it did not say. */
export type Answer =
  | { readonly found: readonly Found[]; readonly ttlMs: number | undefined }
  | { readonly none: string }
  | { readonly failed: string };

/** The most targets of SRV records that are resolved, and how many at once. */
const maxTargets = 256;
const targetsAtOnce = 16;

/** The longest wait for the system's own resolver, in ms. */
const lookupMs = 5000;

const maxWeight = 10;

/** A name's A records, else its AAAA records. */
interface Hosts {
  readonly hosts: readonly string[];
  readonly ttlMs?: number;
}

/** Asks for one name as it is. */
export async function askDns(resolver: Resolver, name: string, target: Target): Promise<Answer> {
  const [srv, hosts] = await Promise.all([
    target.ownPort ? [] : ask(resolver.resolveSrv(`_grpc._tcp.${name}`)),
    hostsOf(resolver, name),
  ]);
  if (!("failed" in srv) && srv.length > 0) return fromSrv(resolver, name, srv, hosts);
  if ("failed" in hosts) return hosts;
  // one that may have ports of its own is not asked at a guessed one
  if ("failed" in srv) return srv;
  if (hosts.hosts.length === 0) return { none: `DNS has no address of ${name}` };
  const found = hosts.hosts.map((host) => ({ host, port: target.port, first: true, weight: 1 }));
  return { found, ttlMs: hosts.ttlMs };
}

/** Asks the system, which knows /etc/hosts and whatever else it is set to. */
export async function askSystem(target: Target): Promise<Answer> {
  try {
    const all = await within(lookupMs, `lookup of ${target.host}`, lookup(target.host, { all: true }));
    const four = all.filter(({ family }) => family === 4);
    const found = (four.length > 0 ? four : all).map(({ address }) => ({
      host: address,
      port: target.port,
      first: true,
      weight: 1,
    }));
    return { found, ttlMs: undefined };
  } catch (error) {
    return isNone(error)
      ? { none: `DNS has no address of ${target.host}` }
      : { failed: `DNS did not say where ${target.host} is (${codeOf(error)})` };
  }
}

/** Two families are two ways to the same instances: one is enough. */
async function hostsOf(resolver: Resolver, name: string): Promise<Hosts | { readonly failed: string }> {
  const four = await ask(resolver.resolve4(name, { ttl: true }));
  if ("failed" in four) return four;
  const records = four.length > 0 ? four : await ask(resolver.resolve6(name, { ttl: true }));
  if ("failed" in records) return records;
  const hosts = records.map(({ address }) => address);
  return hosts.length === 0 ? { hosts } : { hosts, ttlMs: Math.min(...records.map(({ ttl }) => ttl)) * 1000 };
}

async function fromSrv(
  resolver: Resolver,
  name: string,
  records: readonly SrvRecord[],
  own: Hosts | { readonly failed: string },
): Promise<Answer> {
  const [{ port, priority, weight }] = records as [SrvRecord];
  const alike = records.every(
    (record) =>
      record.port === port &&
      record.priority === priority &&
      record.weight === weight &&
      record.name.endsWith(`.${name}`),
  );
  // a headless Service: its own records have all of its pods' addresses
  if (alike && !("failed" in own) && own.hosts.length > 0)
    return { found: own.hosts.map((host) => ({ host, port, first: true, weight: 1 })), ttlMs: own.ttlMs };
  const least = Math.min(...records.map((record) => record.priority));
  const most = Math.max(1, ...records.map((record) => record.weight));
  const found: Found[] = [];
  let ttlMs: number | undefined;
  let failed: string | undefined;
  const left = records.slice(0, maxTargets);
  const resolveNext = async (): Promise<void> => {
    for (let record = left.shift(); record !== undefined; record = left.shift()) {
      const answer = await hostsOf(resolver, record.name);
      if ("failed" in answer) {
        failed = answer.failed;
        continue;
      }
      ttlMs = Math.min(ttlMs ?? Number.POSITIVE_INFINITY, answer.ttlMs ?? Number.POSITIVE_INFINITY);
      const weight = Math.max(1, Math.round((record.weight / most) * maxWeight));
      for (const host of answer.hosts)
        found.push({ host, port: record.port, first: record.priority === least, weight });
    }
  };
  await Promise.all(Array.from({ length: targetsAtOnce }, resolveNext));
  if (found.length === 0 && failed !== undefined) return { failed };
  if (found.length === 0) return { none: `DNS has no address of the SRV targets of ${name}` };
  return { found, ttlMs: Number.isFinite(ttlMs) ? ttlMs : undefined };
}

async function ask<T>(asked: Promise<readonly T[]>): Promise<readonly T[] | { readonly failed: string }> {
  try {
    return await asked;
  } catch (error) {
    return isNone(error) ? [] : { failed: `DNS did not answer (${codeOf(error)})` };
  }
}

function isNone(error: unknown): boolean {
  return ["ENOTFOUND", "ENODATA"].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code ?? error);
}
