import { afterAll, expect, test } from "bun:test";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { cacheFolder, usableCache } from "./cache-folder.ts";

const folder = await mkdtemp(join(tmpdir(), "microrun-cache-test-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

test("the cache is that of the XDG specification, and absolute", () => {
  expect(cacheFolder({ XDG_CACHE_HOME: "/c", HOME: "/h" })).toBe("/c/microrun");
  expect(cacheFolder({ XDG_CACHE_HOME: "", HOME: "/h" })).toBe("/h/.cache/microrun");
  expect(cacheFolder({ XDG_CACHE_HOME: "c" })).toBe(resolve("c/microrun"));
});

test("a cache that can be written is the user's own, and stays", async () => {
  const env = { XDG_CACHE_HOME: join(folder, "own") };
  {
    await using cache = await usableCache(env);
    expect(cache.env).toBe(env);
    expect(cache.fault).toBeUndefined();
  }
  expect((await stat(cacheFolder(env))).isDirectory()).toBe(true);
});

test("a cache that cannot be written is replaced by one that goes with its use", async () => {
  await writeFile(join(folder, "file"), "");
  let instead: string;
  {
    await using cache = await usableCache({ XDG_CACHE_HOME: join(folder, "file"), PATH: "/bin" });
    expect(cache.fault).toContain(join(folder, "file"));
    expect(cache.env.PATH).toBe("/bin");
    instead = cache.env.XDG_CACHE_HOME!;
    await writeFile(join(instead, "kept"), "");
  }
  await expect(stat(instead)).rejects.toThrow("ENOENT");
});
