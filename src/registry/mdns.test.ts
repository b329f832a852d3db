import { expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import multicastDns from "multicast-dns";
import { createLog, silentLog } from "../log.ts";
import { mdnsRegistry } from "./mdns.ts";
import { instanceRecords } from "./mdns-records.ts";
import { maxInstances, mdnsView } from "./mdns-view.ts";
import { registryContract } from "./registry.contract.ts";
import type { Instance, Registry } from "./registry.ts";

/** On loopback, at a port of each test's own. */
let port = 20_000 + (process.pid % 10_000);
const open = () => mdnsRegistry({ interface: "127.0.0.1", port, log: silentLog });
const make = () => {
  port++;
  return open();
};
// No label of a DNS name may be empty.
registryContract("mdns", make, {
  other: open,
  oddNames: ["team/greeter v2", "topic:a.b", "grüße-挨拶", "%2e", "__proto__"],
});

const instance = (id: string): Instance => ({
  id,
  service: "greeter",
  version: "1",
  address: "127.0.0.1:1",
  metadata: {},
});

/** Somebody who speaks DNS at the registry's port. */
async function somebody() {
  const dns = multicastDns({ port, interface: "127.0.0.1", bind: "0.0.0.0" });
  await new Promise<void>((resolve) => dns.on("ready", resolve));
  return {
    dns,
    send: (answers: Parameters<typeof dns.respond>[0]["answers"]) =>
      new Promise<void>((resolve) => dns.respond({ answers: answers! }, null, () => resolve())),
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => dns.destroy(resolve)),
  };
}

test("mdns: an instance that is not heard of for its time to live is gone", async () => {
  await using registry = await make();
  await using other = await somebody();
  const watch = registry.watch("greeter", new AbortController().signal)[Symbol.asyncIterator]();
  expect((await watch.next()).value).toEqual([]);
  await other.send(instanceRecords(instance("one"), 1));
  expect((await watch.next()).value).toHaveLength(1);
  expect((await watch.next()).value).toEqual([]);
});

test("mdns: the first snapshot comes at the first answer, or has everybody who answers in time", async () => {
  await using registry = await make();
  await using other = await somebody();
  other.dns.on("query", () => {
    void other.send(instanceRecords(instance("quick"), 60));
    setTimeout(() => void other.send(instanceRecords(instance("slow"), 60)), 100);
  });
  const first = async (of: Registry, everybody: boolean) => {
    const watch = of.watch("greeter", new AbortController().signal, { everybody });
    const { value = [] } = await watch[Symbol.asyncIterator]().next();
    return value.map(({ id }: Instance) => id).sort();
  };
  expect(await first(registry, false)).toEqual(["quick"]);
  await using late = await open();
  // what is here already ends no wait
  await using _ = await late.register(instance("own"));
  expect(await first(late, true)).toEqual(["own", "quick", "slow"]);
});

test("mdns: records that are malformed change nothing for the others", async () => {
  await using registry = await make();
  await using other = await somebody();
  const watch = registry.watch("greeter", new AbortController().signal)[Symbol.asyncIterator]();
  await watch.next();
  const [srv, a] = instanceRecords(instance("bad"), 60);
  await other.send([srv!, a!, { name: srv!.name, type: "TXT", ttl: 60, data: ["nonsense"] }]);
  const raw = createSocket("udp4");
  await new Promise((resolve) => raw.bind(0, "127.0.0.1", () => resolve(undefined)));
  raw.setMulticastInterface("127.0.0.1");
  await new Promise((resolve) => raw.send(Buffer.from("no DNS at all"), port, "224.0.0.251", resolve));
  raw.close();
  await other.send(instanceRecords(instance("good"), 60));
  expect((await watch.next()).value.map(({ id }: Instance) => id)).toEqual(["good"]);
});

test("mdns: who asks from a port of his own gets the answer there, with the question", async () => {
  await using registry = await make();
  await using _ = await registry.register(instance("one"));
  const socket = createSocket("udp4");
  const asking = multicastDns({ socket, port, bind: false, multicast: false });
  const answered = Promise.withResolvers<{ questions?: unknown[]; answers?: { type: string }[] }>();
  asking.on("response", answered.resolve);
  await new Promise<void>((resolve) => socket.bind(0, resolve));
  socket.setMulticastInterface("127.0.0.1");
  asking.query({ id: 77, questions: [{ name: "greeter.micro", type: "PTR" }] }, () => {});
  const { questions, answers } = await answered.promise;
  expect(questions).toMatchObject([{ name: "greeter.micro", type: "PTR" }]);
  expect(answers?.map(({ type }) => type)).toEqual(["PTR", "SRV", "A", "TXT"]);
  await new Promise<void>((resolve) => asking.destroy(resolve));
});

test("mdns: what another process announces is not taken back here", async () => {
  await using registry = await make();
  await using elsewhere = await open();
  await using _ = await registry.register(instance("one"));
  const watch = elsewhere.watch("greeter", new AbortController().signal)[Symbol.asyncIterator]();
  expect((await watch.next()).value).toHaveLength(1);
  await expect(elsewhere.deregister(instance("one"))).rejects.toThrow(/its own process announces it/);
});

test("mdns: a port that cannot be had keeps no service from running", async () => {
  port++;
  const taken = createSocket({ type: "udp4", reuseAddr: false });
  await new Promise((resolve) => taken.bind(port, "0.0.0.0", () => resolve(undefined)));
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line) });
  const registry = await mdnsRegistry({ interface: "127.0.0.1", port, log, intervalMs: 20 });
  await using _ = await registry.register(instance("one"));
  expect(lines.join()).toMatch(/multicast DNS cannot be used, nobody is found .*: .*EADDRINUSE/);
  await new Promise<void>((resolve) => taken.close(resolve));
  await using elsewhere = await open();
  const watch = elsewhere.watch("greeter", new AbortController().signal)[Symbol.asyncIterator]();
  for (let seen = 0; seen === 0; ) seen = (await watch.next()).value.length;
  expect(lines).toHaveLength(1);
  await registry[Symbol.asyncDispose]();
});

test("mdns: of very many instances some are left out, which is said once", () => {
  const lines: string[] = [];
  using view = mdnsView(60_000, createLog({ write: (line) => lines.push(line) }), () => {});
  for (let index = 0; index < maxInstances + 5; index++)
    view.hear({ name: `n${index}`, ttl: 60, key: "", read: () => instance(`n${index}`) });
  expect(view.current).toHaveLength(maxInstances);
  view.hear({ name: "n0", ttl: 0, key: "", read: () => instance("n0") });
  expect(view.current).toHaveLength(maxInstances - 1);
  expect(lines).toHaveLength(1);
});
