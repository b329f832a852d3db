import { afterAll, expect, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wholeFile } from "./whole-file.ts";

const folder = await mkdtemp(join(tmpdir(), "microrun-whole-file-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a file replaces the one before it, in a folder that is made for it", async () => {
  const path = join(folder, "new/folder/file");
  for (const text of ["one", "other"]) {
    await wholeFile(path, (unfinished) => writeFile(unfinished, text));
    expect(await readFile(path, "utf8")).toBe(text);
  }
  expect(await readdir(join(folder, "new/folder"))).toEqual(["file"]);
});

test("what fails leaves nothing, and is told by the name that the file was to have", async () => {
  const path = join(folder, "failed/file");
  const diskFull = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  const failed = wholeFile(path, async (unfinished) => {
    await writeFile(unfinished, "half");
    throw diskFull;
  });
  await expect(failed).rejects.toMatchObject({ code: "ENOSPC", path });
  expect(await readdir(join(folder, "failed"))).toEqual([]);
});
