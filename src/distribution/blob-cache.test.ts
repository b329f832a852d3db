import { afterAll, expect, test } from "bun:test";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256 } from "../oci.ts";
import { blobCache } from "./blob-cache.ts";

const folder = await mkdtemp(join(tmpdir(), "microrun-blobs-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const bytes = new TextEncoder().encode("hello");
const digest = sha256(bytes);

test("a blob is there when it is whole, under its digest", async () => {
  const cache = blobCache({}, folder);
  expect(await cache.find(digest)).toBeUndefined();
  {
    await using file = await cache.write(digest);
    await file.append(new TextEncoder().encode("other"));
    await file.reset();
    await file.append(bytes.subarray(0, 2));
    await file.append(bytes.subarray(2));
    expect(await cache.find(digest)).toBeUndefined();
    expect(file.length).toBe(5);
    expect(await file.done()).toBe(join(folder, "sha256", digest.slice(7)));
  }
  expect(await Bun.file((await cache.find(digest)) ?? "").text()).toBe("hello");
  expect(await readdir(join(folder, "sha256"))).toEqual([digest.slice(7)]);
});

test("a blob that was damaged is not there, though it is as long as before", async () => {
  const cache = blobCache({}, join(folder, "damaged"));
  await using file = await cache.write(digest);
  await file.append(bytes);
  const path = await file.done();
  expect(await cache.find(digest)).toBe(path!);
  await writeFile(path!, "jello");
  expect(await cache.find(digest)).toBeUndefined();
});

test("other bytes are not taken, and what is unfinished leaves nothing", async () => {
  const cache = blobCache({ XDG_CACHE_HOME: folder });
  {
    await using file = await cache.write(digest);
    await file.append(new TextEncoder().encode("wrong"));
    expect(await file.done()).toBeUndefined();
  }
  expect(await readdir(join(folder, "microrun/blobs/sha256"))).toEqual([]);
});

test("a folder that cannot be written is told with an order", async () => {
  await writeFile(join(folder, "file"), "");
  const error = await blobCache({}, join(folder, "file"))
    .write(digest)
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: "failed_precondition",
    message: expect.stringContaining(`cannot keep ${digest} in ${join(folder, "file")}: ENOTDIR`),
    hint: "let this user write there, or name another folder by XDG_CACHE_HOME",
  });
});
