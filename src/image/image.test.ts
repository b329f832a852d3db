import { afterAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Artifact } from "../oci.ts";
import type { Base, BaseOptions } from "./base.ts";
import { folderBase } from "./base-folder.ts";
import { archiveBase, layoutBase, pulledBase } from "./base-image.ts";
import { type ImageOptions, makeImage } from "./image.ts";
import { writeArchive, writeLayout } from "./layout.ts";
import { passing, tarMembers } from "./tar-index.ts";

const folder = await mkdtemp(join(tmpdir(), "microrun-image-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const amd64 = { os: "linux", architecture: "amd64" };
const arm64 = { os: "linux", architecture: "arm64" };
const cache = { folder: join(folder, "cache"), progress: () => {} };
const runtime = join(folder, "runtime");
await writeFile(runtime, "not an ELF file, and so without libraries");

/** The root of a system that has a libc, and no more. */
async function root(loader: string): Promise<string> {
  const path = await mkdtemp(join(folder, "root-"));
  await mkdir(join(path, "lib"));
  await writeFile(join(path, "lib", loader), "loader");
  await symlink(loader, join(path, "lib/libc.so"));
  return path;
}

const musl = await root("ld-musl-x86_64.so.1");

function base(what: string, options: Partial<BaseOptions> = {}): BaseOptions {
  return { what, platform: amd64, compression: "gzip", cache, ...options };
}

function options(more: Partial<ImageOptions> = {}): ImageOptions {
  return {
    platforms: [amd64],
    base: (platform) => folderBase(musl, base(musl, { platform })),
    runtime: async () => runtime,
    app: {
      folder: "/app",
      module: "greeter.js",
      proto: [],
      files: [{ path: "greeter.js", bytes: new TextEncoder().encode("export default {}") }],
    },
    facts: {
      user: "65532:65532",
      ports: ["8080/tcp"],
      env: { MICRO_LOG_LEVEL: "debug" },
      labels: { team: "shop" },
      version: "0.1.0",
    },
    annotations: { "org.opencontainers.image.title": "greeter" },
    compression: "gzip",
    seconds: 0,
    cache,
    ...more,
  };
}

// biome-ignore lint/suspicious/noExplicitAny: documents of the specification
async function document({ contents }: Artifact, digest: string): Promise<any> {
  return JSON.parse(await contents.find(({ descriptor }) => descriptor.digest === digest)!.blob.text());
}

async function manifestOf(artifact: Artifact) {
  return document(artifact, artifact.root.digest);
}

async function namesIn(artifact: Artifact, digest: string): Promise<string[]> {
  const { blob } = artifact.contents.find(({ descriptor }) => descriptor.digest === digest)!;
  const tar = gunzipSync(await blob.arrayBuffer());
  const names: string[] = [];
  const pieces = async function* () {
    yield new Uint8Array(tar);
  };
  for await (const { path } of tarMembers(passing(pieces()), "layer")) names.push(path);
  return names;
}

test("an image is base, runtime and app, and starts the module as nobody in particular", async () => {
  const { artifact } = await makeImage(options());
  const manifest = await manifestOf(artifact);
  const layers = await Promise.all(
    manifest.layers.map(({ digest }: { digest: string }) => namesIn(artifact, digest)),
  );
  expect(layers).toEqual([
    ["lib", "lib/ld-musl-x86_64.so.1", "lib/libc.so"],
    ["usr", "usr/local", "usr/local/bin", "usr/local/bin/microrun"],
    ["app", "app/greeter.js"],
  ]);
  const config = await document(artifact, manifest.config.digest);
  expect(config).toMatchObject({ os: "linux", architecture: "amd64", created: "1970-01-01T00:00:00Z" });
  expect(config.config).toEqual({
    User: "65532:65532",
    ExposedPorts: { "8080/tcp": {} },
    Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "MICRO_LOG_LEVEL=debug"],
    Entrypoint: ["/usr/local/bin/microrun", "/app/greeter.js"],
    WorkingDir: "/app",
    Labels: { team: "shop" },
    StopSignal: "SIGTERM",
  });
  expect(config.rootfs.diff_ids).toHaveLength(3);
  expect(config.history).toHaveLength(3);
});

test("the same input gives the same digest, with no cache left as well", async () => {
  const first = await makeImage(options());
  const again = await makeImage(options());
  const anew = await makeImage(options({ cache: { ...cache, folder: join(folder, "another") } }));
  expect(again.artifact.root).toEqual(first.artifact.root);
  expect(anew.artifact.root).toEqual(first.artifact.root);
});

test("a change of the module changes the last layer alone", async () => {
  const layersOf = async (text: string) => {
    const files = [{ path: "greeter.js", bytes: new TextEncoder().encode(text) }];
    const { artifact } = await makeImage(options({ app: { ...options().app, files } }));
    return (await manifestOf(artifact)).layers as unknown[];
  };
  const [one, other] = [await layersOf("one"), await layersOf("other")];
  expect(one.slice(0, 2)).toEqual(other.slice(0, 2));
  expect(one[2]).not.toEqual(other[2]);
});

test("a date that is asked for is that of the image and of its app, and changes nothing below", async () => {
  const { artifact } = await makeImage(options({ seconds: 1_700_000_000 }));
  const { config, layers } = await manifestOf(artifact);
  expect((await document(artifact, config.digest)).created).toBe("2023-11-14T22:13:20Z");
  const without = await makeImage(options());
  const { layers: before } = await manifestOf(without.artifact);
  expect(layers.slice(0, 2)).toEqual(before.slice(0, 2));
  expect(layers[2]).not.toEqual(before[2]);
});

test("several platforms make an index, of which the app is there once", async () => {
  const { artifact } = await makeImage(options({ platforms: [amd64, arm64] }));
  const index = await manifestOf(artifact);
  expect(index.manifests.map(({ platform }: { platform: unknown }) => platform)).toEqual([amd64, arm64]);
  const [one, other] = await Promise.all(
    index.manifests.map(({ digest }: { digest: string }) => document(artifact, digest)),
  );
  expect(one.layers).toEqual(other.layers);
  expect(one.config).not.toEqual(other.config);
  const digests = artifact.contents.map(({ descriptor }) => descriptor.digest);
  expect(new Set(digests).size).toBe(digests.length);
});

test("what --proto replaced is named in the entrypoint", async () => {
  const app = { ...options().app, proto: ["api/greeter.proto"] };
  const { artifact } = await makeImage(options({ app }));
  const config = await document(artifact, (await manifestOf(artifact)).config.digest);
  expect(config.config.Entrypoint).toEqual([
    "/usr/local/bin/microrun",
    "/app/greeter.js",
    "--proto=/app/api/greeter.proto",
  ]);
});

const written = { referrers: [], names: ["docker.io/library/greeter:1"], seconds: 0, progress: () => {} };

async function onTop(below: (platform: typeof amd64) => Promise<Base>): Promise<unknown[]> {
  const { artifact } = await makeImage(options({ base: below }));
  return (await manifestOf(artifact)).layers;
}

test("an image stands on what was pulled, on an archive and on a layout alike", async () => {
  const { artifact } = await makeImage(options());
  const { layers } = await manifestOf(artifact);
  const archive = join(folder, "base.tar");
  const layout = join(folder, "layout");
  await writeArchive(archive, { ...written, image: artifact });
  await writeLayout(layout, { ...written, image: artifact });
  const origin = { name: "docker.io/library/greeter:1", digest: artifact.root.digest };
  const bases = [
    () => archiveBase(archive, base(archive)),
    () => layoutBase(layout, base(layout)),
    () => pulledBase(artifact, origin, undefined, base("greeter:1")),
  ];
  for (const below of bases) {
    const found = await onTop(below);
    expect(found.slice(0, 3)).toEqual(layers);
    expect(found).toHaveLength(5);
    expect((await below()).env).toContain("MICRO_LOG_LEVEL=debug");
  }
  const { artifact: named } = await makeImage(options({ base: bases[2]! }));
  expect((await manifestOf(named)).annotations).toMatchObject({
    "org.opencontainers.image.base.name": origin.name,
    "org.opencontainers.image.base.digest": origin.digest,
  });
});

test("an image stands on docker's own form of an archive, whose layers are not compressed", async () => {
  const { artifact } = await makeImage(options());
  const { layers, config } = await manifestOf(artifact);
  const tar = async (path: string, digest: string, unpack: boolean) => {
    const { blob } = artifact.contents.find(({ descriptor }) => descriptor.digest === digest)!;
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return {
      path,
      type: "file" as const,
      mode: 0o644,
      content: unpack ? new Uint8Array(gunzipSync(bytes)) : bytes,
    };
  };
  const { tarStream } = await import("./tar.ts");
  const names = ["a/layer.tar", "b/layer.tar", "c/layer.tar"];
  const digests = layers.map(({ digest }: { digest: string }) => digest);
  const saved = new TextEncoder().encode(
    JSON.stringify([{ Config: "config.json", RepoTags: ["base:1"], Layers: names }]),
  );
  const entries = [
    await tar("config.json", config.digest, false),
    ...(await Promise.all(names.map((name, at) => tar(name, digests[at], at !== 1)))),
    { path: "manifest.json", type: "file" as const, mode: 0o644, content: saved },
  ];
  const archive = join(folder, "docker.tar");
  await writeFile(archive, new Uint8Array(await new Response(tarStream(entries, 0)).arrayBuffer()));
  const found = await onTop(() => archiveBase(archive, base(archive)));
  expect(found.slice(0, 3)).toEqual(layers);
});

test("a base for another platform, without libc, damaged or of something else is told", async () => {
  const { artifact } = await makeImage(options());
  const archive = join(folder, "other.tar");
  await writeArchive(archive, { ...written, image: artifact });
  const what = (more: Partial<BaseOptions> = {}) => base("BASE", more);
  const origin = { name: "base", digest: artifact.root.digest };
  await expect(pulledBase(artifact, origin, undefined, what({ platform: arm64 }))).rejects.toThrow(
    "--base=BASE: it is for linux/amd64, not for linux/arm64",
  );
  await expect(archiveBase(archive, what({ platform: arm64 }))).rejects.toThrow(
    "--base=BASE: it is for linux/amd64, not for linux/arm64",
  );
  await expect(folderBase(await root("nothing"), what())).rejects.toThrow("it has neither glibc nor musl");

  const layout = join(folder, "damaged");
  await writeLayout(layout, { ...written, image: artifact });
  const [layer] = (await manifestOf(artifact)).layers;
  const path = join(layout, "blobs", layer.digest.replace(":", "/"));
  const bytes = await readFile(path);
  // of the header, which unpacking does not look at
  bytes[9]! ^= 1;
  await writeFile(path, bytes);
  const fresh = { ...cache, folder: join(folder, "fresh") };
  await expect(layoutBase(layout, what({ cache: fresh }))).rejects.toThrow("--base=BASE: damaged");
  await rm(path);
  await expect(layoutBase(layout, what({ cache: fresh }))).rejects.toThrow(
    `damaged: ${layer.digest} is missing`,
  );

  await writeFile(archive, "nothing of the kind");
  await expect(archiveBase(archive, what())).rejects.toThrow("it holds no image");
});

test("a library that the runtime needs and the base lacks is told before anything is pushed", async () => {
  if (process.platform !== "linux") return;
  const { artifact } = await makeImage(options());
  const origin = { name: "base", digest: artifact.root.digest };
  const pulled = () => pulledBase(artifact, origin, undefined, base("base"));
  for (const below of [options().base, pulled]) {
    const made = makeImage(options({ base: below, runtime: async () => process.execPath }));
    await expect(made).rejects.toThrow(/it lacks libc\.so\.6, .*which the runtime needs/);
  }
});

test("a layout keeps what it had, gives a name to the last that bears it, and is no other folder", async () => {
  const layout = join(folder, "several");
  const one = await makeImage(options());
  const other = await makeImage(options({ seconds: 7 }));
  await writeLayout(layout, { ...written, image: one.artifact, names: ["a/b:1"] });
  await writeLayout(layout, { ...written, image: one.artifact, names: ["a/b:2"] });
  await writeLayout(layout, { ...written, image: other.artifact, names: ["a/b:1"] });
  const { manifests } = JSON.parse(await readFile(join(layout, "index.json"), "utf8"));
  const listed = manifests.map((one: { digest: string; annotations: Record<string, string> }) => [
    one.annotations["io.containerd.image.name"],
    one.digest,
  ]);
  expect(listed).toEqual([
    ["a/b:2", one.artifact.root.digest],
    ["a/b:1", other.artifact.root.digest],
  ]);
  expect((await readdir(layout)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  await expect(writeLayout(musl, { ...written, image: one.artifact })).rejects.toThrow(
    "holds other things than an OCI layout",
  );
});
