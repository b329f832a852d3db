import { afterAll, expect, setSystemTime, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog, silentLog } from "../log.ts";
import { localRegistry } from "./local.ts";
import { type Lease, leaseName, maxLeaseBytes, readLease, writeLease } from "./local-lease.ts";
import { ownProcess } from "./local-process.ts";
import { keepLostMs, maxInstances } from "./local-view.ts";
import { registryContract } from "./registry.contract.ts";
import type { Instance } from "./registry.ts";

const root = mkdtempSync(join(tmpdir(), "microrun-local-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const newFolder = (): string => join(mkdtempSync(join(root, "user-")), "microrun");
let folder = "";
const open = () => localRegistry({ folder, log: silentLog });
registryContract(
  "local",
  () => {
    folder = newFolder();
    return open();
  },
  { other: open },
);

const instance = (id: string): Instance => ({
  id,
  service: "greeter",
  version: "1",
  address: "127.0.0.1:1",
  metadata: {},
});

/** A registry on a folder of its own, whose files and log can be looked at. */
async function local(options: { intervalMs?: number } = {}) {
  const path = newFolder();
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line) });
  const registry = await localRegistry({ folder: path, log, ...options });
  return {
    path,
    registry,
    lines,
    put: (lease: Omit<Lease, "instance"> & { id: string }) => {
      const { id, ...rest } = lease;
      writeFileSync(join(path, leaseName(instance(id))), writeLease({ instance: instance(id), ...rest }));
    },
    ids: async () => (await registry.list()).map(({ id }) => id).sort(),
    files: () => readdirSync(path),
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Bun.sleep(5);
}

const later = () => Date.now() + 60_000;

test("an instance whose process has ended is gone, and its file is removed", async () => {
  await using at = await local();
  const child = Bun.spawn(["true"]);
  await child.exited;
  at.put({ id: "ended", expires: later(), process: { ...ownProcess(), pid: child.pid } });
  at.put({ id: "running", expires: later(), process: ownProcess() });
  expect(await at.ids()).toEqual(["running"]);
  expect(at.files()).toEqual([leaseName(instance("running"))]);
});

test("a watcher is told when a process was killed", async () => {
  await using at = await local();
  const child = Bun.spawn(["sleep", "60"]);
  const { started: _, ...mark } = ownProcess();
  at.put({ id: "killed", expires: later(), process: { ...mark, pid: child.pid } });
  const watch = at.registry.watch("greeter", new AbortController().signal)[Symbol.asyncIterator]();
  expect((await watch.next()).value).toHaveLength(1);
  child.kill("SIGKILL");
  expect((await watch.next()).value).toEqual([]);
});

test.skipIf(process.platform !== "linux")(
  "a later process of the same number is not taken for the one that ended",
  async () => {
    await using at = await local();
    at.put({ id: "earlier", expires: later(), process: { ...ownProcess(), started: "1" } });
    expect(await at.ids()).toEqual([]);
  },
);

test.skipIf(process.platform !== "linux")(
  "a process of another container counts as running until its lease is over",
  async () => {
    await using at = await local();
    at.put({
      id: "elsewhere",
      expires: later(),
      process: { pid: 2 ** 22 + 1, started: "1", namespace: "pid:[1]" },
    });
    expect(await at.ids()).toEqual(["elsewhere"]);
    at.put({ id: "elsewhere", expires: Date.now() - 1, process: { pid: 2 ** 22 + 1, namespace: "pid:[1]" } });
    expect(await at.ids()).toEqual([]);
  },
);

test("an expired lease does not count; its file is removed when it is long over", async () => {
  await using at = await local();
  at.put({ id: "just", expires: Date.now() - 1, process: ownProcess() });
  at.put({ id: "long", expires: Date.now() - 61_000, process: ownProcess() });
  expect(await at.ids()).toEqual([]);
  expect(at.files()).toEqual([leaseName(instance("just"))]);
});

test("a file that is no lease is skipped, and said so once", async () => {
  await using at = await local();
  const whole = writeLease({ instance: instance("one"), expires: later() });
  writeFileSync(join(at.path, "half.json"), whole.slice(0, 40));
  writeFileSync(join(at.path, "copied.json"), whole);
  writeFileSync(join(at.path, "null.json"), "null");
  writeFileSync(join(at.path, "large.json"), " ".repeat(maxLeaseBytes + 1));
  writeFileSync(join(at.path, "notes.txt"), "not ours");
  mkdirSync(join(at.path, "folder.json"));
  if (process.platform === "linux") Bun.spawnSync(["mkfifo", join(at.path, "pipe.json")]);
  at.put({ id: "good", expires: later() });
  expect(await at.ids()).toEqual(["good"]);
  const count = at.lines.length;
  expect(at.lines.filter((line) => line.includes("half.json"))).toHaveLength(1);
  writeFileSync(join(at.path, "half.json"), whole.slice(0, 50));
  expect(await at.ids()).toEqual(["good"]);
  expect(at.lines).toHaveLength(count);
});

test("a folder that others may write to, or that is none, is refused", async () => {
  const open = newFolder();
  mkdirSync(open);
  chmodSync(open, 0o777);
  await expect(localRegistry({ folder: open, log: silentLog })).rejects.toThrow(
    /others may write there \(mode 777\)/,
  );
  const linked = newFolder();
  symlinkSync(tmpdir(), linked);
  await expect(localRegistry({ folder: linked, log: silentLog })).rejects.toThrow(/it is not a folder/);
});

test.skipIf(process.getuid?.() !== 0)("a folder of another user is refused", async () => {
  const theirs = newFolder();
  mkdirSync(theirs, { mode: 0o700 });
  Bun.spawnSync(["chown", "12345", theirs]);
  await expect(localRegistry({ folder: theirs, log: silentLog })).rejects.toThrow(
    /it belongs to user 12345, not to 0/,
  );
});

test("a folder that became another's is not read any more", async () => {
  await using at = await local();
  at.put({ id: "one", expires: later() });
  chmodSync(at.path, 0o777);
  expect(await at.ids()).toEqual([]);
  expect(at.lines.join()).toMatch(/others may write there/);
});

test("a folder or a file that vanished is made again", async () => {
  await using at = await local({ intervalMs: 10 });
  await using _ = await at.registry.register(instance("one"));
  const file = join(at.path, leaseName(instance("one")));
  rmSync(at.path, { recursive: true });
  await until(() => existsSync(file));
  rmSync(file);
  await until(() => existsSync(file));
});

test("a watcher goes on in a folder that was made again", async () => {
  await using at = await local({ intervalMs: 10 });
  await using _ = await at.registry.register(instance("one"));
  const watch = at.registry.watch("greeter", new AbortController().signal)[Symbol.asyncIterator]();
  expect((await watch.next()).value).toHaveLength(1);
  rmSync(at.path, { recursive: true });
  await until(() => existsSync(at.path));
  await using second = await localRegistry({ folder: at.path, log: silentLog });
  await using __ = await second.register(instance("two"));
  for (let seen = 0; seen !== 2; ) seen = (await watch.next()).value.length;
});

test("a renewal moves the lease on and tells nobody", async () => {
  await using at = await local({ intervalMs: 10 });
  await using _ = await at.registry.register(instance("one"));
  const file = Bun.file(join(at.path, leaseName(instance("one"))));
  const { expires } = readLease(await file.text());
  const stop = new AbortController();
  const watch = at.registry.watch("greeter", stop.signal)[Symbol.asyncIterator]();
  await watch.next();
  for (let now = expires; now === expires; ) now = readLease(await file.text()).expires;
  await at.registry.list();
  const next = watch.next();
  await at.registry.list();
  stop.abort();
  expect((await next).done).toBe(true);
});

test("a folder that cannot be made keeps no service from running", async () => {
  const path = newFolder();
  writeFileSync(path.replace(/\/microrun$/, "/file"), "");
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line) });
  await using registry = await localRegistry({
    folder: path.replace(/\/microrun$/, "/file/microrun"),
    intervalMs: 10,
    log,
  });
  await using _ = await registry.register(instance("one"));
  expect(await registry.list()).toEqual([]);
  expect(lines.filter((line) => /others on this machine cannot find one: ENOTDIR/.test(line))).toHaveLength(
    1,
  );
});

test("a process that ends takes back its own lease, not that of one started since under the same id", async () => {
  await using at = await local();
  const held = await at.registry.register(instance("one"));
  at.put({ id: "one", expires: later(), process: { ...ownProcess(), pid: process.ppid } });
  await held[Symbol.asyncDispose]();
  expect(at.files()).toEqual([leaseName(instance("one"))]);
});

test("files that a process left half-written are removed after a while", async () => {
  await using at = await local();
  for (const name of [".a.tmp", ".b.tmp"]) writeFileSync(join(at.path, name), "{");
  utimesSync(join(at.path, ".a.tmp"), 1, 1);
  await at.registry.list();
  expect(at.files()).toEqual([".b.tmp"]);
});

test("an instance that no file can hold is refused", async () => {
  await using at = await local();
  const large = { ...instance("large"), metadata: { a: "x".repeat(maxLeaseBytes) } };
  await expect(at.registry.register(large)).rejects.toThrow(/cannot announce large: more than/);
  await expect(at.registry.register(instance(""))).rejects.toThrow(
    /cannot announce greeter: its id is empty/,
  );
  expect(at.files()).toEqual([]);
});

test("of very many instances some are left out, which is said", async () => {
  await using at = await local();
  for (let index = 0; index < maxInstances + 5; index++) at.put({ id: `one-${index}`, expires: later() });
  expect(await at.registry.list()).toHaveLength(maxInstances);
  expect(at.lines.join()).toMatch(/5 of its instances are left out/);
});

test("instances whose folder vanished are kept for a while, but those whose process ends", async () => {
  await using at = await local();
  const child = Bun.spawn(["sleep", "60"]);
  const { started: _, ...mark } = ownProcess();
  at.put({ id: "running", expires: later(), process: ownProcess() });
  at.put({ id: "ending", expires: later(), process: { ...mark, pid: child.pid } });
  expect(await at.ids()).toEqual(["ending", "running"]);
  const before = await at.registry.list();
  rmSync(at.path, { recursive: true });
  expect(await at.registry.list()).toEqual(before);
  expect(at.registry.staleSince?.()).toBeNumber();
  child.kill("SIGKILL");
  await child.exited;
  expect(await at.ids()).toEqual(["running"]);

  // another process makes the folder anew before the owner does
  mkdirSync(at.path, { mode: 0o700 });
  at.put({ id: "another", expires: later(), process: ownProcess() });
  expect(await at.ids()).toEqual(["another", "running"]);
  try {
    setSystemTime(Date.now() + keepLostMs + 1);
    expect(await at.ids()).toEqual(["another"]);
    expect(at.registry.staleSince?.()).toBeUndefined();
  } finally {
    setSystemTime();
  }
});

test("a file that is removed is an instance that is gone", async () => {
  await using at = await local();
  at.put({ id: "one", expires: later(), process: ownProcess() });
  expect(await at.ids()).toEqual(["one"]);
  rmSync(join(at.path, leaseName(instance("one"))));
  expect(await at.ids()).toEqual([]);
  expect(at.registry.staleSince?.()).toBeUndefined();
});
