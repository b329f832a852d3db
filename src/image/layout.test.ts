import { afterAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Artifact, content, jsonContent, mediaTypes } from "../oci.ts";
import { archiveBase, layoutBase } from "./base-image.ts";
import { writeArchive, writeLayout } from "./layout.ts";
import { tarStream } from "./tar.ts";

const folder = await mkdtemp(join(tmpdir(), "microrun-layout-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const platform = { os: "linux", architecture: "amd64" };
const how = { referrers: [], seconds: 0, progress: () => {} };

/** An image of one layer, in which a libc is all. */
async function image(text: string): Promise<Artifact> {
  const file = { path: "lib/ld-musl-x86_64.so.1", type: "file", mode: 0o755 } as const;
  const tar = tarStream([{ ...file, content: new TextEncoder().encode(text) }], 0);
  const layer = content(mediaTypes.layer, new Uint8Array(await new Response(tar).arrayBuffer()));
  const config = jsonContent(mediaTypes.config, {
    ...platform,
    config: { Env: [`TEXT=${text}`] },
    rootfs: { type: "layers", diff_ids: [layer.descriptor.digest] },
  });
  const { mediaType } = jsonContent(mediaTypes.manifest, {}).descriptor;
  const manifest = jsonContent(mediaType, {
    schemaVersion: 2,
    mediaType,
    config: config.descriptor,
    layers: [layer.descriptor],
  });
  return { root: manifest.descriptor, contents: [layer, config, manifest] };
}

const base = (what: string, image?: string) => ({
  what,
  platform,
  compression: "gzip" as const,
  cache: { folder: join(folder, "cache"), progress: () => {} },
  ...(image === undefined ? {} : { image }),
});

/** Fails as a full disk does, after some bytes. */
async function broken(): Promise<Artifact> {
  const whole = await image("broken");
  const [layer, ...rest] = whole.contents;
  const blob = new Blob(["x"]);
  const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  Object.defineProperty(blob, "stream", {
    value: async function* () {
      yield new Uint8Array(3);
      throw full;
    },
  });
  return { ...whole, contents: [...rest, { ...layer!, blob }] };
}

test("a layout that cannot be finished leaves nothing, and another try makes it", async () => {
  const layout = join(folder, "parent/unfinished");
  const failed = writeLayout(layout, { ...how, image: await broken(), names: ["a/b:1"] });
  await expect(failed).rejects.toMatchObject({ code: "ENOSPC" });
  expect(await readdir(folder)).not.toContain("parent");
  await mkdir(layout, { recursive: true });
  await writeLayout(layout, { ...how, image: await broken(), names: ["a/b:1"] }).catch(() => {});
  expect(await readdir(layout)).toEqual([]);
  await writeLayout(layout, { ...how, image: await image("whole"), names: ["a/b:1"] });
  expect((await layoutBase(layout, base(layout))).env).toEqual(["TEXT=whole"]);
});

test("a layout to which an image cannot be added keeps those that it has", async () => {
  const layout = join(folder, "kept");
  await writeLayout(layout, { ...how, image: await image("first"), names: ["a/b:1"] });
  const before = (await readdir(layout, { recursive: true })).sort();
  await writeLayout(layout, { ...how, image: await broken(), names: ["a/b:2"] }).catch(() => {});
  expect((await readdir(layout, { recursive: true })).sort()).toEqual(before);
  expect((await layoutBase(layout, base(layout))).env).toEqual(["TEXT=first"]);
});

test("a blob that is damaged in a layout is written anew", async () => {
  const layout = join(folder, "mended");
  const made = await image("text");
  const path = join(layout, "blobs", made.root.digest.replace(":", "/"));
  await writeLayout(layout, { ...how, image: made, names: ["a/b:1"] });
  const before = await readFile(path);
  await writeFile(path, "x".repeat(before.length));
  await writeLayout(layout, { ...how, image: made, names: ["a/b:1"] });
  expect(await readFile(path)).toEqual(before);
});

test("a layout that is not understood is not written to", async () => {
  const layout = join(folder, "odd");
  const options = { ...how, image: await image("text"), names: ["a/b:1"] };
  await writeLayout(layout, options);
  const wrong = [
    ["index.json", "{", "its index.json is no JSON object"],
    ["index.json", "{}", "its index.json lists no images"],
    ["index.json", '{"manifests":[null]}', "its index.json lists no images"],
    ["oci-layout", '{"imageLayoutVersion":"9.0.0"}', "it is a layout of version 9.0.0, not of 1.0.0"],
  ] as const;
  for (const [name, text, why] of wrong) {
    const path = join(layout, name);
    const before = await readFile(path, "utf8");
    await writeFile(path, text);
    await expect(writeLayout(layout, options)).rejects.toMatchObject({
      code: "already_exists",
      message: `image: cannot add to ${layout}: ${why}`,
    });
    await expect(layoutBase(layout, base("BASE"))).rejects.toThrow(`--base=BASE: damaged: ${why}`);
    expect(await readFile(path, "utf8")).toBe(text);
    await writeFile(path, before);
  }
});

test("a layout of several images is a base when it is said which", async () => {
  const layout = join(folder, "two");
  const [one, two] = [await image("one"), await image("two")];
  await writeLayout(layout, { ...how, image: one, names: ["docker.io/a/b:1"] });
  await writeLayout(layout, { ...how, image: two, names: ["docker.io/a/b:2"] });
  await expect(layoutBase(layout, base("BASE"))).rejects.toMatchObject({
    message: "--base=BASE: it holds several images: docker.io/a/b:1, docker.io/a/b:2",
    hint: expect.stringContaining("--base=base.tar:1"),
  });
  for (const name of ["2", "docker.io/a/b:2", two.root.digest])
    expect((await layoutBase(layout, base("BASE", name))).env).toEqual(["TEXT=two"]);
  await expect(layoutBase(layout, base("BASE", "3"))).rejects.toThrow("it holds no image 3");
});

test("an image of two names is one, in a layout and in docker's form", async () => {
  const archive = join(folder, "names.tar");
  await writeArchive(archive, { ...how, image: await image("one"), names: ["a/b:1", "a/b:2"] });
  expect((await archiveBase(archive, base("BASE"))).env).toEqual(["TEXT=one"]);
});

test("docker's form of several images is a base when it is said which", async () => {
  const file = (path: string, content: Blob) => ({ path, type: "file", mode: 0o644, content }) as const;
  const images = await Promise.all(["one", "two"].map(image));
  const saved = images.map((_, at) => ({
    Config: `${at}.json`,
    RepoTags: [`a/b:${at}`],
    Layers: [`${at}.tar`],
  }));
  const entries = images.flatMap(({ contents: [layer, config] }, at) => [
    file(`${at}.json`, config!.blob),
    file(`${at}.tar`, layer!.blob),
  ]);
  const tar = tarStream([...entries, file("manifest.json", new Blob([JSON.stringify(saved)]))]);
  const archive = join(folder, "docker.tar");
  await writeFile(archive, new Uint8Array(await new Response(tar).arrayBuffer()));
  await expect(archiveBase(archive, base("BASE"))).rejects.toThrow("it holds several images: a/b:0, a/b:1");
  for (const name of ["1", "a/b:1"])
    expect((await archiveBase(archive, base("BASE", name))).env).toEqual(["TEXT=two"]);
  await expect(archiveBase(archive, base("BASE", "b:1x"))).rejects.toThrow("it holds no image b:1x");
});
