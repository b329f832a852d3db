import { expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import dnsPacket, { type StringAnswer } from "dns-packet";
import { silentLog } from "../log.ts";
import type { Instance } from "../registry/registry.ts";
import { type DnsOptions, dnsSelector } from "./dns.ts";
import { type DnsSourceOptions, dnsSource } from "./dns-source.ts";
import { failure, selectorContract } from "./selector.contract.ts";

const search = { domains: [], ndots: 1 };

{
  const servers: DnsServer[] = [];
  const make = async (addresses: readonly string[]) => {
    const server = await dnsServer({ greeter: { A: addresses.map((address) => address.split(":")[0]!) } });
    servers.push(server);
    const selector = dnsSelector({ servers: [server.address], search, port: 9090, log: silentLog });
    return {
      ...selector,
      async [Symbol.asyncDispose]() {
        await selector[Symbol.asyncDispose]();
        server[Symbol.dispose]();
      },
    };
  };
  selectorContract("dns", make, { knows: true });
}

test("all addresses of a name are balanced, found by the search domains and the static selector's rule", async () => {
  using server = await dnsServer({
    "greeter.default.svc.cluster.local": { A: ["10.0.0.1", "10.0.0.2"] },
    "greeter.team-a.svc.cluster.local": { A: ["10.0.1.1"] },
    "go-micro-srv-greeter.default.svc.cluster.local": { A: ["10.0.2.1"] },
  });
  const pod = { domains: ["default.svc.cluster.local", "svc.cluster.local", "cluster.local"], ndots: 5 };
  await using selector = selecting(server, { search: pod });
  const picked = [await selector.pick("greeter"), await selector.pick("greeter")];
  expect(picked.sort()).toEqual(["10.0.0.1:8080", "10.0.0.2:8080"]);
  expect(await selector.pick("greeter.team-a")).toBe("10.0.1.1:8080");
  expect(await selector.pick("go.micro.srv.greeter")).toBe("10.0.2.1:8080");
  expect(await selector.pick("greeter:7")).toMatch(/^10\.0\.0\.[12]:7$/);
  await using inDomain = selecting(server, { domain: "default.svc.cluster.local", port: 9090 });
  expect(await inDomain.pick("greeter.team-a")).toBe("10.0.1.1:9090");
});

test("a whole name is not searched, an address not asked for", async () => {
  using server = await dnsServer({ "a.example.com": { A: ["10.0.0.1"] } });
  await using selector = selecting(server, { search: { domains: ["x.local"], ndots: 5 } });
  expect(await selector.pick("a.example.com.")).toBe("10.0.0.1:8080");
  expect(await selector.pick("10.1.2.3")).toBe("10.1.2.3:8080");
  expect(server.asked.filter((name) => name.includes("x.local") || name.includes("10.1"))).toEqual([]);
});

test("IPv6 addresses are taken where there are no others", async () => {
  using server = await dnsServer({
    six: { AAAA: ["fd00::1"] },
    both: { A: ["10.0.0.1"], AAAA: ["fd00::1"] },
  });
  await using selector = selecting(server);
  expect(await selector.pick("six")).toBe("[fd00::1]:8080");
  expect([await selector.pick("both"), await selector.pick("both")]).toEqual([
    "10.0.0.1:8080",
    "10.0.0.1:8080",
  ]);
});

test("the port of a headless Service is what its SRV records say, and its pods are not asked for one by one", async () => {
  using server = await dnsServer({
    "_grpc._tcp.greeter": {
      SRV: [srv("10-0-0-1.greeter", 9000), srv("10-0-0-2.greeter", 9000)],
    },
    greeter: { A: ["10.0.0.1", "10.0.0.2"] },
  });
  await using selector = selecting(server);
  const picked = [await selector.pick("greeter"), await selector.pick("greeter")];
  expect(picked.sort()).toEqual(["10.0.0.1:9000", "10.0.0.2:9000"]);
  expect(server.asked.filter((name) => name.includes("10-0-0"))).toEqual([]);
});

test("SRV records of several ports, weights and priorities are each taken as they say", async () => {
  using server = await dnsServer({
    "_grpc._tcp.greeter": {
      SRV: [srv("one.test", 1, { weight: 30 }), srv("two.test", 2, { weight: 10 }), srv("spare.test", 3, 2)],
    },
    "one.test": { A: ["10.0.0.1"] },
    "two.test": { A: ["10.0.0.2"] },
    "spare.test": { A: ["10.0.0.3"] },
  });
  await using selector = selecting(server);
  await selector.pick("greeter");
  const picked = Array.from({ length: 26 }, () => {
    const address = selector.pick("greeter") as string;
    selector.report?.(address, undefined, 1);
    return address;
  });
  const times = (address: string) => picked.filter((one) => one === address).length;
  expect(times("10.0.0.1:1")).toBe(20);
  expect(times("10.0.0.2:2")).toBe(6);
  const except = new Set(["10.0.0.1:1", "10.0.0.2:2"]);
  expect(await selector.pick("greeter", { except })).toBe("10.0.0.3:3");
});

test("a name is asked for again when its answer's time to live is over, within bounds", async () => {
  using server = await dnsServer({ greeter: { A: ["10.0.0.1"], ttl: 7 } });
  await using watch = watching(server, "greeter");
  expect(await watch.next()).toEqual(["10.0.0.1:8080"]);
  expect(await watch.waited()).toBe(7000);
  server.zone.greeter = { A: ["10.0.0.2", "10.0.0.1"], ttl: 0 };
  watch.go();
  expect(await watch.next()).toEqual(["10.0.0.1:8080", "10.0.0.2:8080"]);
  expect(await watch.waited()).toBe(1000);
  server.zone.greeter = { A: ["10.0.0.3"], ttl: 3600 };
  watch.go();
  expect(await watch.next()).toEqual(["10.0.0.3:8080"]);
  expect(await watch.waited()).toBe(30_000);
});

test("addresses stay known while DNS fails, and go when DNS says that they are gone", async () => {
  using server = await dnsServer({ greeter: { A: ["10.0.0.1"], ttl: 5 } });
  await using watch = watching(server, "greeter");
  expect(await watch.next()).toEqual(["10.0.0.1:8080"]);
  server.rcode = "SERVFAIL";
  const next = watch.next();
  for (const ms of [5000, 1000, 2000, 4000]) {
    expect(await watch.waited()).toBe(ms);
    watch.go();
  }
  expect(await watch.waited()).toBe(8000);
  delete server.rcode;
  delete server.zone.greeter;
  watch.go();
  expect(await next).toEqual([]);
  expect(watch.why()).toBe("DNS has no address of greeter");
});

test("no other name that is searched takes the place of one that DNS fails to tell of again", async () => {
  using server = await dnsServer({ "greeter.a.local": { A: ["10.0.0.1"] }, greeter: { A: ["192.0.2.1"] } });
  await using watch = watching(server, "greeter", { domains: ["a.local"], ndots: 5 });
  expect(await watch.next()).toEqual(["10.0.0.1:8080"]);
  server.zone["greeter.a.local"] = { fails: true };
  expect(await watch.waited()).toBe(5000);
  watch.go();
  expect(await watch.waited()).toBe(1000);
  server.zone["greeter.a.local"] = { A: ["10.0.0.2"] };
  watch.go();
  expect(await watch.next()).toEqual(["10.0.0.2:8080"]);
});

test("a name that DNS does not know is unavailable, and so is one while DNS fails; the error says which", async () => {
  using server = await dnsServer({});
  await using selector = selecting(server);
  expect((await failure(() => selector.pick("greeter"))).message).toBe(
    "service greeter: no instance known: DNS has no address of greeter",
  );
  server.rcode = "SERVFAIL";
  expect((await failure(() => selector.pick("other"))).message).toBe(
    "service other: no instance known: DNS did not answer (ESERVFAIL)",
  );
  expect((await failure(async () => selector.pick("a b"))).code).toBe("invalid_argument");
});

test("the system's own resolver is asked for what DNS does not have", async () => {
  await using selector = dnsSelector({ log: silentLog, port: 5 });
  expect(await selector.pick("localhost")).toMatch(/^(127\.0\.0\.1|\[::1\]):5$/);
});

interface Records {
  A?: string[];
  AAAA?: string[];
  SRV?: { port: number; target: string; priority: number; weight: number }[];
  ttl?: number;
  fails?: boolean;
}

interface DnsServer extends Disposable {
  readonly address: string;
  readonly zone: Record<string, Records>;
  readonly asked: string[];
  /** Every answer's, where it is set. */
  rcode?: "SERVFAIL";
}

function srv(target: string, port: number, more: number | { weight: number } = 1) {
  const weight = typeof more === "number" ? 1 : more.weight;
  return { target, port, priority: typeof more === "number" ? more : 1, weight };
}

/** Answers for its zone, on loopback. */
async function dnsServer(zone: Record<string, Records>): Promise<DnsServer> {
  const socket = createSocket("udp4");
  const asked: string[] = [];
  const rcodes = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3 };
  socket.on("message", (message, from) => {
    const { id, questions = [] } = dnsPacket.decode(message);
    const { name, type } = questions[0]!;
    asked.push(name);
    const records = server.zone[name];
    const data = records?.[type as "A"] ?? [];
    const answers = data.map((one) => ({ name, type, ttl: records?.ttl ?? 5, data: one }) as StringAnswer);
    const failing = records?.fails ? ("SERVFAIL" as const) : server.rcode;
    const rcode = failing ?? (records === undefined ? "NXDOMAIN" : "NOERROR");
    const reply = { id: id ?? 0, type: "response", flags: 0x0180 | rcodes[rcode], questions } as const;
    const packet = dnsPacket.encode({ ...reply, answers: rcode === "NOERROR" ? answers : [] });
    socket.send(packet, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const server: DnsServer = {
    address: `127.0.0.1:${socket.address().port}`,
    zone,
    asked,
    [Symbol.dispose]: () => void socket.close(),
  };
  return server;
}

function selecting(server: DnsServer, options: Partial<DnsOptions> = {}) {
  return dnsSelector({ servers: [server.address], search, log: silentLog, random: () => 0, ...options });
}

/** A watch whose waits last until the test says `go`. */
function watching(server: DnsServer, service: string, searching: DnsSourceOptions["search"] = search) {
  const end = new AbortController();
  const waits: number[] = [];
  let go = (): void => {};
  let told = Promise.withResolvers<void>();
  const wait: DnsSourceOptions["wait"] = (ms) => {
    waits.push(ms);
    told.resolve();
    return new Promise((resolve) => {
      go = resolve;
    });
  };
  const source = dnsSource({ servers: [server.address], search: searching, wait });
  const snapshots = source.watch(service, end.signal)[Symbol.asyncIterator]();
  let pulled: Promise<IteratorResult<readonly Instance[]>> = snapshots.next();
  return {
    async next(): Promise<string[]> {
      const { value = [] } = await pulled;
      // a generator goes on when it is asked for more
      pulled = snapshots.next();
      return value.map(({ address }: Instance) => address);
    },
    /** The next wait, once it has begun. */
    async waited(): Promise<number | undefined> {
      if (waits.length === 0) await told.promise;
      told = Promise.withResolvers();
      return waits.shift();
    },
    go: () => go(),
    why: () => source.why?.(service),
    async [Symbol.asyncDispose]() {
      end.abort();
      go();
    },
  };
}
