/** Multicast DNS, as Go Micro v5's default registry speaks it. */
import type { Answer, Question } from "multicast-dns";
import { errorText, MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import { bearers, parseServiceName } from "../service-name.ts";
import { aborted, pause } from "../wait.ts";
import {
  checkInstance,
  enumerationName,
  instanceName,
  instanceRecords,
  isName,
  listedServices,
  listName,
  listRecords,
  pointer,
  serviceName,
  toldInstances,
} from "./mdns-records.ts";
import { type MdnsSocket, openMdnsSocket } from "./mdns-socket.ts";
import { mdnsView } from "./mdns-view.ts";
import type { Instance, Registry } from "./registry.ts";
import { snapshots } from "./snapshots.ts";

/** How long the first snapshot waits for an answer, or for those of everybody, ms. Go Micro waits 100. */
const firstAnswerMs = 250;

/** How long a list waits: for the services' names, then for their instances, ms. */
const listMs = 400;

/** When an announcement is repeated, since one packet may be lost (RFC 6762, 8.3), ms. */
const repeatMs = 1000;

/** Services whose names are taken from answers to one list. */
const maxListed = 1000;

export interface MdnsRegistryOptions {
  /** How long an announcement holds, and at most how long another's does. @default 60000 */
  ttlMs?: number;
  /** How often announcements and questions are repeated. @default 30000 */
  intervalMs?: number;
  /** @default 5353 */
  port?: number;
  /** Address of the one network interface to use. @default all, sending by the default route */
  interface?: string;
  log: Log;
}

interface Announcement {
  readonly instance: Instance;
  readonly records: readonly Answer[];
}

/** Without multicast on this machine it finds and announces nothing, says so in the log, and tries again every `intervalMs`. */
export async function mdnsRegistry(options: MdnsRegistryOptions): Promise<Registry> {
  const { ttlMs = 60_000, intervalMs = 30_000, log } = options;
  const ttl = Math.ceil(ttlMs / 1000);
  const own = new Map<string, Announcement>();
  /** Services that are watched, and by how many. */
  const asked = new Map<string, number>();
  const closing = new AbortController();
  let socket: MdnsSocket | undefined;
  let complaint = "";
  /** Those that answer the list being made. */
  let listed: Set<string> | undefined;
  let change = Promise.withResolvers<void>();
  const changed = (): void => {
    change.resolve();
    change = Promise.withResolvers();
    watches.changed();
  };
  const others = mdnsView(ttlMs, log, changed);
  const known = (): Instance[] => [
    ...[...own.values()].map(({ instance }) => instance),
    ...others.current.filter((instance) => !own.has(instanceName(instance))),
  ];

  const watches = snapshots({
    current: known,
    async begin(service, signal, { everybody = false }) {
      asked.set(service, (asked.get(service) ?? 0) + 1);
      await ask(service);
      const waiting = AbortSignal.any([signal, AbortSignal.timeout(firstAnswerMs)]);
      const over = aborted(waiting);
      while (!waiting.aborted && (everybody || bearers(known(), service).length === 0))
        await Promise.race([change.promise, over]);
    },
    end(service) {
      const left = (asked.get(service) ?? 1) - 1;
      if (left > 0) asked.set(service, left);
      else asked.delete(service);
    },
  });

  function answer({ name, type }: Question): (readonly Answer[])[] {
    const all = [...own.values()];
    const one = own.get(name);
    if (one !== undefined) return [one.records];
    if (type !== "PTR" && type !== "ANY") return [];
    const services = [...new Set(all.map(({ instance }) => instance.service))];
    if (name === listName) return services.map((service) => listRecords(service, ttl));
    if (name === enumerationName)
      return services.map((service) => [{ name, type: "PTR", ttl, data: serviceName(service) }]);
    return all
      .filter(({ instance }) => serviceName(instance.service) === name)
      .map(({ instance, records }) => [pointer(instance, ttl), ...records]);
  }

  function heard(answers: readonly Answer[]): void {
    for (const told of toldInstances(answers)) if (!own.has(told.name)) others.hear(told);
    for (const service of listedServices(answers)) {
      if (listed === undefined || listed.has(service) || listed.size >= maxListed) continue;
      listed.add(service);
      void ask(service);
    }
  }

  /** For a name, and for what it means in a registry. */
  async function ask(service: string): Promise<void> {
    const { name } = parseServiceName(service);
    const names = new Set([service, ...(name === "" ? [] : [name])].map(serviceName));
    await socket?.ask([...names].filter(isName));
  }

  async function announce({ instance, records }: Announcement): Promise<void> {
    await socket?.tell([pointer(instance, ttl), ...records]);
  }

  async function announceAgain(announcement: Announcement): Promise<void> {
    await pause(repeatMs, closing.signal);
    const current = own.get(instanceName(announcement.instance)) === announcement;
    if (current && !closing.signal.aborted) await announce(announcement);
  }

  async function takeBack(name: string): Promise<void> {
    const announcement = own.get(name);
    if (announcement === undefined || !own.delete(name)) return;
    changed();
    await socket?.tell(instanceRecords(announcement.instance, 0));
  }

  async function connect(): Promise<void> {
    if (socket !== undefined || closing.signal.aborted) return;
    try {
      const made = await openMdnsSocket({ ...options, answer, heard });
      if (closing.signal.aborted) await made[Symbol.asyncDispose]();
      else socket = made;
    } catch (error) {
      const why = errorText(error);
      if (why !== complaint)
        log.warn(`multicast DNS cannot be used, nobody is found and nobody finds this service: ${why}`);
      complaint = why;
    }
  }

  async function renew(): Promise<void> {
    await connect();
    for (const announcement of own.values()) await announce(announcement);
    for (const service of asked.keys()) await ask(service);
  }

  await connect();
  const timer = setInterval(() => void renew(), intervalMs);

  return {
    name: "mdns",
    persistent: false,
    async register(given) {
      checkInstance(given);
      const name = instanceName(given);
      const announcement = { instance: { ...given }, records: instanceRecords(given, ttl) };
      own.set(name, announcement);
      changed();
      await announce(announcement);
      void announceAgain(announcement);
      return {
        async [Symbol.asyncDispose]() {
          if (own.get(name) === announcement) await takeBack(name);
        },
      };
    },
    async deregister(instance) {
      const name = instanceName(instance);
      await takeBack(name);
      if (!others.has(name)) return;
      throw new MicrorunError(
        "failed_precondition",
        `cannot take back ${instance.id}: its own process announces it`,
        {
          hint: "stop that process",
        },
      );
    },
    watch: watches.watch,
    async list() {
      listed ??= new Set();
      await socket?.ask([listName]);
      await pause(listMs, closing.signal);
      listed = undefined;
      return known();
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      clearInterval(timer);
      watches[Symbol.dispose]();
      for (const name of [...own.keys()]) await takeBack(name);
      others[Symbol.dispose]();
      await socket?.[Symbol.asyncDispose]();
      socket = undefined;
    },
  };
}
