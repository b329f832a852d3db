import { afterAll, expect, test } from "bun:test";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256 } from "../oci.ts";
import { blobCache } from "./blob-cache.ts";

const folder = await mkdtemp(join(tmpdir(), "microrun-blobs-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const bytes = new TextEncoder().encode("hello");
const blob = { digest: sha256(bytes), size: bytes.length };

test("a blob is there when it is whole, under its digest", async () => {
  const cache = blobCache({}, folder);
  expect(await cache.find(blob)).toBeUndefined();
  {
    await using file = await cache.write(blob);
    await file.append(new TextEncoder().encode("other"));
    await file.reset();
    await file.append(bytes.subarray(0, 2));
    await file.append(bytes.subarray(2));
    expect(await cache.find(blob)).toBeUndefined();
    expect(file.length).toBe(5);
    expect(await file.done()).toBe(join(folder, "sha256", blob.digest.slice(7)));
  }
  expect(await Bun.file((await cache.find(blob)) ?? "").text()).toBe("hello");
  expect(await cache.find({ ...blob, size: 6 })).toBeUndefined();
  expect(await readdir(join(folder, "sha256"))).toEqual([blob.digest.slice(7)]);
});

test("other bytes are not taken, and what is unfinished leaves nothing", async () => {
  const cache = blobCache({ XDG_CACHE_HOME: folder });
  {
    await using file = await cache.write(blob);
    await file.append(new TextEncoder().encode("wrong"));
    expect(await file.done()).toBeUndefined();
  }
  expect(await readdir(join(folder, "microrun/blobs/sha256"))).toEqual([]);
});

test("a folder that cannot be written is told with an order", async () => {
  await writeFile(join(folder, "file"), "");
  const error = await blobCache({}, join(folder, "file"))
    .write(blob)
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: "failed_precondition",
    message: expect.stringContaining(`cannot keep ${blob.digest} in ${join(folder, "file")}: ENOTDIR`),
    hint: "make room there, or name another folder by XDG_CACHE_HOME",
  });
});
