import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zip } from "./zip.ts";

const seconds = Date.UTC(2026, 10, 21, 12, 30, 42) / 1000;
const files = [
  { path: "a/microrun.exe", mode: 0o755, bytes: new TextEncoder().encode("x".repeat(100_000)) },
  { path: "a/résumé.md", mode: 0o644, bytes: new Uint8Array() },
];

test("an archive is the same for the same files, and not for others", () => {
  const [first, again, other] = [zip(files, seconds), zip(files, seconds), zip(files, seconds + 2)];
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
});

test("an archive ends with a directory of what is in it, at the place that it says", () => {
  const bytes = Buffer.from(zip(files, seconds));
  const end = bytes.length - 22;
  expect(bytes.toString("latin1", end, end + 4)).toBe("PK\x05\x06");
  expect(bytes.readUInt16LE(end + 10)).toBe(2);
  const start = bytes.readUInt32LE(end + 16);
  expect(bytes.toString("latin1", start, start + 4)).toBe("PK\x01\x02");
  expect(start + bytes.readUInt32LE(end + 12)).toBe(end);
});

const python = Bun.which("python3");
const listing = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    print(archive.testzip())
    for one in archive.infolist():
        print(one.filename, one.file_size, oct(one.external_attr >> 16), *one.date_time)`;

test.skipIf(python === null)("another reader finds names, sizes, modes and times", () => {
  const folder = mkdtempSync(join(tmpdir(), "microrun-zip-"));
  try {
    const path = join(folder, "a.zip");
    writeFileSync(path, zip(files, seconds));
    const { stdout } = Bun.spawnSync([python!, "-c", listing, path], { env: { PYTHONUTF8: "1" } });
    expect(stdout.toString().trimEnd().split("\n")).toEqual([
      "None",
      "a/microrun.exe 100000 0o100755 2026 11 21 12 30 42",
      "a/résumé.md 0 0o100644 2026 11 21 12 30 42",
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
