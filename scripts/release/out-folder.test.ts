import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFolder } from "./out-folder.ts";

async function among(files: readonly string[]): Promise<{ error: unknown; left: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), "microrun-out-"));
  try {
    for (const name of files)
      name.endsWith("/") ? mkdirSync(join(folder, name)) : writeFileSync(join(folder, name), "kept");
    const error = await makeFolder(folder).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return { error, left: readdirSync(folder).sort() };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("an empty folder, and one of an earlier release, are made anew", async () => {
  for (const files of [[], ["SHA256SUMS"], ["SHA256SUMS", "npm/", "executables/", "microrun-0.1.0.cdx.json"]])
    expect(await among(files)).toEqual({ error: undefined, left: ["SHA256SUMS"] });
});

test("a folder that holds anything else is refused, and keeps it", async () => {
  for (const files of [["notes.txt"], ["npm/"], ["SHA256SUMS", "notes.txt"], [".git/", "SHA256SUMS"]]) {
    const { error, left } = await among(files);
    expect(error).toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("of no earlier release"),
    });
    expect(left).toEqual(files.map((name) => name.replace("/", "")).sort());
  }
});

test("a file is no folder, and stays", async () => {
  await expect(makeFolder(import.meta.path)).rejects.toThrow("it is a file");
  await expect(makeFolder(join(import.meta.path, "below"))).rejects.toThrow("it is a file");
});
