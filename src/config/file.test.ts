import { expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { MicrorunError } from "../errors.ts";
import { silentLog } from "../log.ts";
import { pause } from "../wait.ts";
import type { ConfigData } from "./config.ts";
import { type FileOptions, fileSource } from "./file.ts";
import { maxFileBytes, maxFolderFiles } from "./file-contents.ts";
import { emptiedMs } from "./file-look.ts";
import { sourceContract } from "./source.contract.ts";

/** Longer than any test: what is seen was reported, not found by looking again. */
const never = 600_000;

function tempFolder(): Disposable & { path: (...names: string[]) => string } {
  const root = mkdtempSync(join(tmpdir(), "config-file-"));
  return {
    path: (...names) => join(root, ...names),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** As editors and `kubectl cp` do it. */
function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/** A mounted volume's folder, written as kubelet does it: all files of a version change at once. */
function volume(folder: string): (files: Readonly<Record<string, string>>) => void {
  let version = 0;
  mkdirSync(folder, { recursive: true });
  return (files) => {
    const name = `..2026_${++version}`;
    mkdirSync(join(folder, name));
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, name, file), text);
    symlinkSync(name, join(folder, "..data_tmp"));
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
    for (const link of readdirSync(folder).filter((file) => !file.startsWith(".."))) {
      if (!Object.hasOwn(files, link)) unlinkSync(join(folder, link));
    }
    for (const file of Object.keys(files)) {
      if (!readdirSync(folder).includes(file)) symlinkSync(join("..data", file), join(folder, file));
    }
    if (version > 1) rmSync(join(folder, `..2026_${version - 1}`), { recursive: true });
  };
}

interface Watching extends AsyncDisposable {
  next(): Promise<unknown>;
  /** All that was told so far: messages, and undefined when all was well again. */
  readonly told: readonly (string | undefined)[];
  readonly hints: readonly (string | undefined)[];
  /** What the tree given last is without. */
  readonly left: readonly string[];
  /** Resolves when the last that was told is this. */
  tells(message: string | RegExp | undefined): Promise<void>;
}

function watching(path: string, options: Partial<FileOptions> = {}): Watching {
  const stop = new AbortController();
  const told: (string | undefined)[] = [];
  const hints: (string | undefined)[] = [];
  let left: readonly string[] = [];
  const wakers = new Set<() => void>();
  const source = fileSource(path, { log: silentLog, pollMs: never, ...options });
  const tell = (fault: MicrorunError | undefined): void => {
    told.push(fault?.message);
    hints.push(fault?.hint);
    for (const wake of wakers) wake();
  };
  const leaveOut = (entries: readonly string[]): void => {
    left = entries;
  };
  const trees = source.watch(stop.signal, tell, leaveOut)[Symbol.asyncIterator]();
  let pending: Promise<IteratorResult<ConfigData>> | undefined;
  const ask = (): Promise<IteratorResult<ConfigData>> => {
    pending ??= trees.next();
    return pending;
  };
  return {
    told,
    hints,
    get left() {
      return left;
    },
    async next() {
      const { value } = await ask();
      pending = undefined;
      return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
    },
    async tells(message) {
      const matches = (last: string | undefined): boolean =>
        message instanceof RegExp ? last !== undefined && message.test(last) : last === message;
      void ask();
      while (told.length === 0 || !matches(told.at(-1))) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wakers.add(resolve);
        await promise;
        wakers.delete(resolve);
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await pending;
      await trees.return?.();
    },
  };
}

sourceContract("a file that is replaced", async (values) => {
  const folder = tempFolder();
  const path = folder.path("config.json");
  replace(path, JSON.stringify(values));
  return {
    source: fileSource(path, { log: silentLog, pollMs: never }),
    set: async (next) => replace(path, JSON.stringify(next)),
    spoil: async () => replace(path, "{"),
    [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
  };
});

sourceContract("a file that is written over", async (values) => {
  const folder = tempFolder();
  const path = folder.path("config.json");
  writeFileSync(path, JSON.stringify(values));
  return {
    source: fileSource(path, { log: silentLog, pollMs: never }),
    set: async (next) => writeFileSync(path, JSON.stringify(next)),
    spoil: async () => unlinkSync(path),
    [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
  };
});

sourceContract("a mounted volume", async (values) => {
  const folder = tempFolder();
  const write = volume(folder.path("etc"));
  write(values);
  return {
    source: fileSource(folder.path("etc"), { log: silentLog, pollMs: never, format: "raw" }),
    set: async (next) => write(next),
    spoil: async () => write({ "broken.yaml": "a: [" }),
    [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
  };
});

sourceContract("a file that is polled", async (values) => {
  const folder = tempFolder();
  let version = 0;
  // the link in the middle is in neither of the folders that are listened to
  const set = async (next: object): Promise<void> => {
    const name = `v${++version}`;
    mkdirSync(folder.path("versions", name), { recursive: true });
    writeFileSync(folder.path("versions", name, "x.json"), JSON.stringify(next));
    mkdirSync(folder.path("links"), { recursive: true });
    symlinkSync(`../versions/${name}/x.json`, folder.path("links", "new"));
    renameSync(folder.path("links", "new"), folder.path("links", "x"));
  };
  await set(values);
  symlinkSync("links/x", folder.path("x.json"));
  return {
    source: fileSource(folder.path("x.json"), { log: silentLog, pollMs: 20 }),
    set,
    spoil: async () => unlinkSync(folder.path("links", "x")),
    [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
  };
});

test("a file of a mounted volume is seen to change when `..data` is swapped, though nothing happens to its own name", async () => {
  using folder = tempFolder();
  const write = volume(folder.path("etc"));
  write({ "config.yaml": "a: 1" });
  await using watch = watching(folder.path("etc", "config.yaml"));
  expect(await watch.next()).toEqual({ a: 1 });
  write({ "config.yaml": "a: 2" });
  expect(await watch.next()).toEqual({ a: 2 });
  write({ "config.yaml": "a: 3" });
  expect(await watch.next()).toEqual({ a: 3 });
  expect(watch.told).toEqual([]);
});

test("the file that a link leads to is seen to change, in another folder, too", async () => {
  using folder = tempFolder();
  mkdirSync(folder.path("one"));
  mkdirSync(folder.path("two"));
  writeFileSync(folder.path("one", "x.yaml"), "a: 1");
  writeFileSync(folder.path("two", "x.yaml"), "a: 3");
  symlinkSync("one/x.yaml", folder.path("x.yaml"));
  await using watch = watching(folder.path("x.yaml"));
  expect(await watch.next()).toEqual({ a: 1 });
  replace(folder.path("one", "x.yaml"), "a: 2");
  expect(await watch.next()).toEqual({ a: 2 });
  symlinkSync("two/x.yaml", folder.path("new"));
  renameSync(folder.path("new"), folder.path("x.yaml"));
  expect(await watch.next()).toEqual({ a: 3 });
  writeFileSync(folder.path("two", "x.yaml"), "a: 4");
  expect(await watch.next()).toEqual({ a: 4 });
});

test("a change that leaves size and times as they were is seen", async () => {
  using folder = tempFolder();
  const path = folder.path("x.yaml");
  const long = new Date(2020, 1, 1);
  writeFileSync(path, "a: 1");
  utimesSync(path, long, long);
  await using watch = watching(path);
  expect(await watch.next()).toEqual({ a: 1 });
  writeFileSync(path, "a: 2");
  utimesSync(path, long, long);
  expect(await watch.next()).toEqual({ a: 2 });
});

test("a file that is deleted leaves its tree, and is followed when it is back", async () => {
  using folder = tempFolder();
  const path = folder.path("x.yaml");
  writeFileSync(path, "a: 1");
  await using watch = watching(path, { optional: true });
  expect(await watch.next()).toEqual({ a: 1 });
  unlinkSync(path);
  await watch.tells(`${path}: not there`);
  writeFileSync(path, "a: 1");
  await watch.tells(undefined);
  writeFileSync(path, "a: 2");
  expect(await watch.next()).toEqual({ a: 2 });
  expect(watch.told).toEqual([`${path}: not there`, undefined]);
});

test("the folder of a file may be moved away and made anew", async () => {
  using folder = tempFolder();
  const path = folder.path("etc", "x.yaml");
  mkdirSync(folder.path("etc"));
  writeFileSync(path, "a: 1");
  await using watch = watching(path, { pollMs: 50 });
  expect(await watch.next()).toEqual({ a: 1 });
  renameSync(folder.path("etc"), folder.path("old"));
  await watch.tells(`${path}: not there`);
  mkdirSync(folder.path("etc"));
  writeFileSync(path, "a: 2");
  expect(await watch.next()).toEqual({ a: 2 });
  expect(watch.told.at(-1)).toBeUndefined();
});

test("a file that is not there is an empty tree and a fault, until it comes", async () => {
  using folder = tempFolder();
  const path = folder.path("x.yaml");
  await using watch = watching(path);
  expect(await watch.next()).toEqual({});
  expect(watch.told).toEqual([`${path}: not there`]);
  writeFileSync(path, "a: 1");
  expect(await watch.next()).toEqual({ a: 1 });
  expect(watch.told).toEqual([`${path}: not there`, undefined]);
});

test("nothing is said of an optional file that never was there", async () => {
  using folder = tempFolder();
  const path = folder.path("etc", "x.yaml");
  await using watch = watching(path, { optional: true, pollMs: 20 });
  expect(await watch.next()).toEqual({});
  mkdirSync(folder.path("etc"));
  writeFileSync(path, "a: 1");
  expect(await watch.next()).toEqual({ a: 1 });
  expect(watch.told).toEqual([]);
});

test("a required file that is not there is a fault and no tree", async () => {
  using folder = tempFolder();
  const path = folder.path("x.yaml");
  await using watch = watching(path, { required: true });
  await watch.tells(`${path}: not there`);
  writeFileSync(path, "a: [");
  await watch.tells(/line 1/);
  writeFileSync(path, "a: 1");
  expect(await watch.next()).toEqual({ a: 1 });
});

test("a secret folder has its files as they are, each a value", async () => {
  using folder = tempFolder();
  const write = volume(folder.path("etc"));
  write({ password: "pa=ss\n", token: "t", "db.yaml": "db: {user: u}" });
  const source = (options: Partial<FileOptions>) =>
    fileSource(folder.path("etc"), { log: silentLog, ...options });
  expect([source({}).secret, source({ secret: true }).secret]).toEqual([false, true]);
  await using watch = watching(folder.path("etc"), { secret: true });
  expect(await watch.next()).toEqual({ password: "pa=ss\n", token: "t", db: { user: "u" } });
  await using lines = watching(folder.path("etc"), { secret: true, format: "lines" });
  expect(await lines.next()).toMatchObject({ password: { pa: "ss" } });
});

test("a file that is broken from the start is a fault and no tree", async () => {
  using folder = tempFolder();
  const path = folder.path("x.yaml");
  writeFileSync(path, "a: 1\nb: [");
  await using watch = watching(path, { optional: true });
  await watch.tells(/^x\.yaml line 2, column 5: /);
  rmSync(path);
  await watch.tells(undefined);
  expect(await watch.next()).toEqual({});
  writeFileSync(path, "a: 1\nb: []");
  expect(await watch.next()).toEqual({ a: 1, b: [] });
  expect(watch.told.at(-1)).toBeUndefined();
});

test("a fault that changes is told again, one that stays is not", async () => {
  using folder = tempFolder();
  const path = folder.path("x.yaml");
  writeFileSync(path, "a: 1");
  await using watch = watching(path, { pollMs: 20 });
  await watch.next();
  writeFileSync(path, "a: [");
  await watch.tells(/line 1/);
  writeFileSync(path, "\na: [");
  await watch.tells(/line 2/);
  writeFileSync(path, "\na: [ ");
  writeFileSync(path, "a: 2");
  expect(await watch.next()).toEqual({ a: 2 });
  expect(watch.told.map((message) => message?.replace(/,.*/, ""))).toEqual([
    "x.yaml line 1",
    "x.yaml line 2",
    undefined,
  ]);
});

test("a file that is empty or half written for a moment is not taken for what it will be", async () => {
  using folder = tempFolder();
  const path = folder.path("x.yaml");
  writeFileSync(path, "a: 1");
  await using watch = watching(path);
  expect(await watch.next()).toEqual({ a: 1 });
  const next = watch.next();
  truncateSync(path, 0);
  await pause(40);
  writeFileSync(path, "a: 2");
  expect(await next).toEqual({ a: 2 });
  const after = watch.next();
  writeFileSync(path, "b: [");
  await pause(40);
  writeFileSync(path, "b: []");
  expect(await after).toEqual({ b: [] });
  expect(watch.told).toEqual([]);
});

test("a file that is emptied for good is an empty tree, after a while", async () => {
  using folder = tempFolder();
  const path = folder.path("x.yaml");
  writeFileSync(path, "a: 1");
  await using watch = watching(path);
  await watch.next();
  const emptied = performance.now();
  truncateSync(path, 0);
  expect(await watch.next()).toEqual({});
  expect(performance.now() - emptied).toBeGreaterThanOrEqual(emptiedMs);
  expect(watch.told).toEqual([]);
});

test("what is written long after a file was emptied replaces what was before, at once", async () => {
  using folder = tempFolder();
  const path = folder.path("x.yaml");
  writeFileSync(path, "a: 1");
  writeFileSync(folder.path("y"), "b=1");
  await using watch = watching(path);
  await using all = watching(folder.path());
  await Promise.all([watch.next(), all.next()]);
  const next = Promise.all([watch.next(), all.next()]);
  truncateSync(path, 0);
  await pause(emptiedMs / 2);
  writeFileSync(path, "a: 2");
  const written = performance.now();
  expect(await next).toEqual([{ a: 2 }, { a: 2, y: { b: "1" } }]);
  expect(performance.now() - written).toBeLessThan(emptiedMs / 2);
});

test("what is no file is refused, and the last tree stays", async () => {
  using folder = tempFolder();
  const path = folder.path("x.yaml");
  writeFileSync(path, "a: 1");
  await using watch = watching(path);
  expect(await watch.next()).toEqual({ a: 1 });
  rmSync(path);
  mkdirSync(path);
  await watch.tells(`${path}: a folder, where a file is expected`);
  rmSync(path, { recursive: true });
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  await watch.tells(`${path}: not a file`);
  rmSync(path);
  symlinkSync("/dev/zero", path);
  // the same fault, and nothing hangs
  replace(path, "a: 1");
  await watch.tells(undefined);
  rmSync(path);
  symlinkSync("x.yaml", path);
  await watch.tells(`${path}: cannot be read (ELOOP)`);
  replace(path, "a: 2");
  expect(await watch.next()).toEqual({ a: 2 });
});

test("a file that is too large, or no text, is refused", async () => {
  using folder = tempFolder();
  const path = folder.path("x");
  writeFileSync(path, "a=1");
  await using watch = watching(path);
  expect(await watch.next()).toEqual({ x: { a: "1" } });
  truncateSync(path, maxFileBytes + 1);
  await watch.tells(`${path}: larger than ${maxFileBytes} bytes`);
  writeFileSync(path, Buffer.from([0x61, 0xff]));
  await watch.tells("x: not a text in UTF-8");
  writeFileSync(path, "a=2");
  expect(await watch.next()).toEqual({ x: { a: "2" } });
});

test("a file whose permission is taken away leaves its tree", async () => {
  using folder = tempFolder();
  const path = folder.path("x.yaml");
  writeFileSync(path, "a: 1");
  if (process.getuid?.() === 0) {
    // root may read anything: another user looks
    chmodSync(folder.path(), 0o755);
    chmodSync(path, 0o600);
    const script = `import { fileSource } from ${JSON.stringify(join(import.meta.dir, "file.ts"))};
      import { silentLog } from ${JSON.stringify(join(import.meta.dir, "../log.ts"))};
      const stop = new AbortController();
      const tell = ({ code, message, hint }) => console.log(code, message, hint);
      const source = fileSource(${JSON.stringify(path)}, { log: silentLog });
      for await (const tree of source.watch(stop.signal, (fault) => { tell(fault); stop.abort(); })) console.log(tree);`;
    const { stdout } = Bun.spawnSync([
      "setpriv",
      "--reuid=65534",
      "--clear-groups",
      process.execPath,
      "-e",
      script,
    ]);
    expect(stdout.toString()).toBe(
      `permission_denied ${path}: may not be read make it readable for user 65534\n`,
    );
    return;
  }
  await using watch = watching(path);
  await watch.next();
  chmodSync(path, 0);
  await watch.tells(`${path}: may not be read`);
  chmodSync(path, 0o600);
  await watch.tells(undefined);
});

test("a relative path begins where the process runs", async () => {
  using folder = tempFolder();
  writeFileSync(folder.path("x.toml"), "a = 1");
  const path = relative(process.cwd(), folder.path("x.toml"));
  await using watch = watching(path);
  expect(await watch.next()).toEqual({ a: 1 });
  replace(folder.path("x.toml"), "a = 2");
  expect(await watch.next()).toEqual({ a: 2 });
});

test("a folder has an entry for each file: no hidden ones, no folders, no pipes, nothing but texts", async () => {
  using folder = tempFolder();
  writeFileSync(folder.path("mongodb"), "host=127.0.0.1\nport=27017");
  writeFileSync(folder.path("config.yaml"), "server: {grpc: {timeout: 1s}}");
  writeFileSync(folder.path(".hidden.yaml"), "hidden: true");
  writeFileSync(folder.path("keystore.jks"), Buffer.from([0xfe, 0xed, 0xfe, 0xed]));
  mkdirSync(folder.path("sub"));
  writeFileSync(folder.path("sub", "b.yaml"), "sub: true");
  symlinkSync("nowhere", folder.path("dangling"));
  expect(Bun.spawnSync(["mkfifo", folder.path("pipe")]).exitCode).toBe(0);
  await using watch = watching(folder.path());
  expect(await watch.next()).toEqual({
    mongodb: { host: "127.0.0.1", port: "27017" },
    server: { grpc: { timeout: "1s" } },
  });
  expect(watch.left).toEqual(["keystore.jks"]);
  unlinkSync(folder.path("mongodb"));
  expect(await watch.next()).toEqual({ server: { grpc: { timeout: "1s" } } });
  unlinkSync(folder.path("keystore.jks"));
  writeFileSync(folder.path("more"), "a=b");
  await watch.next();
  expect(watch.left).toEqual([]);
  expect(watch.told).toEqual([]);
});

test("a folder with more files than may be is refused", async () => {
  using folder = tempFolder();
  for (let i = 0; i <= maxFolderFiles; i++) writeFileSync(folder.path(`k${i}`), "");
  await using watch = watching(folder.path());
  await watch.tells(`${folder.path()}: more than ${maxFolderFiles} files`);
  unlinkSync(folder.path("k7"));
  expect(Object.keys((await watch.next()) as object)).toHaveLength(maxFolderFiles);
});

test("a hundred changes a second are gathered, and the last one is seen", async () => {
  using folder = tempFolder();
  const path = folder.path("x.yaml");
  writeFileSync(path, "a: 0");
  await using watch = watching(path);
  await watch.next();
  const writing = (async () => {
    for (let i = 1; i <= 50; i++) {
      writeFileSync(path, `a: ${i}`);
      await pause(10);
    }
  })();
  let trees = 0;
  for (let last = 0; last !== 50; trees++) last = ((await watch.next()) as { a: number }).a;
  await writing;
  expect(trees).toBeLessThan(50);
  expect(watch.told).toEqual([]);
});
