import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeAuthority, type Pair } from "../../test/certificate.ts";
import { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Tls } from "../transport/transport.ts";
import { readTls, type TlsFiles } from "./certificates.ts";
import { followTls } from "./renewal.ts";

const root = mkdtempSync(join(tmpdir(), "microrun-renewal-"));
afterAll(() => rmSync(root, { recursive: true }));
const authority = makeAuthority();
const issue = (days = 30): Pair => authority.issue({ name: "localhost", days });
let folders = 0;

/** A folder as the kubelet mounts a Secret: its files are links through `..data`, which is swapped. */
function mounted(first: Pair) {
  const folder = join(root, `${folders++}`);
  let version = 0;
  const put = ({ cert, key }: Pair): void => {
    const name = `..${version++}`;
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, "tls.crt"), cert);
    writeFileSync(join(folder, name, "tls.key"), key);
    symlinkSync(name, join(folder, "..next"));
    renameSync(join(folder, "..next"), join(folder, "..data"));
  };
  put(first);
  for (const file of ["tls.crt", "tls.key"]) symlinkSync(join("..data", file), join(folder, file));
  const files: TlsFiles = { cert: join(folder, "tls.crt"), key: join(folder, "tls.key"), ca: undefined };
  return { files, put, folder };
}

/** Follows the files; `next` is what was taken, or told, after all that came before. */
function followed(files: TlsFiles, refuse: () => boolean = () => false) {
  const lines: string[] = [];
  const heard: string[] = [];
  const waiting: (() => void)[] = [];
  const say = (text: string): void => {
    heard.push(text);
    waiting.shift()?.();
  };
  const line = (message: string): void => {
    lines.push(message);
    say(message);
  };
  const taken: Partial<Tls>[] = [];
  const following = followTls({
    files,
    prefix: "tls",
    first: readTls(files) ?? {},
    take(tls) {
      if (refuse()) throw new MicrorunError("invalid_argument", "cannot use the certificate: no");
      taken.push(tls);
    },
    log: { info: line, warn: line } as unknown as Log,
    pollMs: 1,
    settleMs: 1,
  });
  return {
    ...{ lines, taken },
    async said(): Promise<string> {
      if (heard.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
      return heard.shift() ?? "";
    },
    [Symbol.asyncDispose]: () => following[Symbol.asyncDispose](),
  };
}

test("a Secret that is renewed is taken, and told with its end", async () => {
  const { files, put } = mounted(issue());
  await using follower = followed(files);
  const next = issue();
  put(next);
  expect(await follower.said()).toMatch(/^--tls_\*: read anew, valid until \d{4}-/);
  expect(follower.taken).toEqual([next]);
});

test("files written in place are taken once both are there", async () => {
  const { files } = mounted(issue());
  await using follower = followed(files);
  const next = issue();
  writeFileSync(files.cert!, next.cert);
  writeFileSync(files.key!, next.key);
  while (!(await follower.said()).includes("read anew"));
  expect(follower.taken).toEqual([next]);
});

test("a pair that does not belong together is told once, and what was read before stays until a good one comes", async () => {
  const { files, put } = mounted(issue());
  await using follower = followed(files);
  put({ cert: issue().cert, key: issue().key });
  expect(await follower.said()).toMatch(/not the key of .*: what was read before stays$/);
  put(issue());
  expect(await follower.said()).toContain("read anew");
  expect(follower.lines).toHaveLength(2);
});

test("what the server refuses is told once", async () => {
  let refuses = true;
  const { files, put } = mounted(issue());
  await using follower = followed(files, () => refuses);
  put(issue());
  expect(await follower.said()).toBe("cannot use the certificate: no: what was read before stays");
  refuses = false;
  expect(await follower.said()).toContain("read anew");
});

test("a certificate about to end is warned of once", async () => {
  const { files, put } = mounted(issue(0.5));
  await using follower = followed(files);
  expect(await follower.said()).toMatch(/^--tls_cert=.*: valid until /);
  put(issue());
  expect(await follower.said()).toContain("read anew");
  expect(follower.lines).toHaveLength(2);
});
