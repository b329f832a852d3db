import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAsKept, keep } from "./cached-file.ts";

test("a file is as it was kept until it is changed, cut off or gone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "microrun-kept-"));
  try {
    const path = join(folder, "bun");
    writeFileSync(path, "whole");
    expect(await isAsKept(path)).toBeUndefined();
    await keep(path);
    expect(readdirSync(folder).sort()).toEqual(["bun", "bun.sha256"]);
    expect(await isAsKept(path)).toBe(true);
    for (const text of ["whol", "", "Whole"]) {
      writeFileSync(path, text);
      expect(await isAsKept(path)).toBe(false);
    }
    rmSync(path);
    expect(await isAsKept(path)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
