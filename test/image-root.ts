/** An image as others see it: its documents by an archive's own words, its root unpacked and run as a container would. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Target } from "./harness.ts";

export interface ImageDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageManifest {
  readonly config: ImageDescriptor;
  readonly layers: readonly ImageDescriptor[];
  readonly artifactType?: string;
  readonly subject?: ImageDescriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An archive, unpacked by the system's tar. */
export interface UnpackedImage extends AsyncDisposable {
  readonly folder: string;
  readonly index: { readonly manifests: readonly ImageDescriptor[] };
  blob(digest: string): string;
  // biome-ignore lint/suspicious/noExplicitAny: documents of the specification
  document(digest: string): Promise<any>;
}

export async function unpackedImage(archive: string): Promise<UnpackedImage> {
  const folder = await mkdtemp(join(tmpdir(), "microrun-unpacked-"));
  await command(["tar", "-xf", archive, "-C", folder]);
  const blob = (digest: string) => join(folder, "blobs", digest.replace(":", "/"));
  return {
    folder,
    index: await Bun.file(join(folder, "index.json")).json(),
    blob,
    document: (digest) => Bun.file(blob(digest)).json(),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** @returns what it wrote to stdout */
export async function command(words: readonly string[]): Promise<string> {
  const child = Bun.spawn([...words], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${words[0]} ended with ${code}:\n${stderr}`);
  return stdout;
}

/** Why no root can be entered here; it throws when CI=true. */
export function noRoot(): boolean {
  const why =
    process.platform !== "linux"
      ? "it is not Linux"
      : process.getuid?.() !== 0
        ? "this user is not root"
        : ["unshare", "chroot", "mount"].find((name) => !Bun.which(name));
  if (why === undefined) return false;
  if (process.env.CI === "true") throw new Error(`cannot run an image: ${why}`);
  console.error(`skipped: running an image, as ${why}`);
  return true;
}

/** What starts the container of an image: as its user, with its variables alone, its root read-only. */
export async function container(image: UnpackedImage, digest: string): Promise<Target> {
  const manifest: ImageManifest = await image.document(digest);
  const root = join(image.folder, "root");
  await mkdir(join(root, "proc"), { recursive: true });
  for (const layer of manifest.layers)
    await command(["tar", "-xf", image.blob(layer.digest), "-C", root, "--no-same-owner"]);
  const { config } = await image.document(manifest.config.digest);
  const script = [
    "set -e",
    'mount --bind "$ROOT" "$ROOT"',
    'mount -t proc proc "$ROOT/proc"',
    'mount -o remount,ro,bind "$ROOT"',
    'exec env -i "$@"',
  ].join("; ");
  const inside = ["chroot", `--userspec=${config.User}`, root, ...config.Entrypoint];
  return {
    name: "image",
    command: ["env", `ROOT=${root}`, "unshare", "-m", "sh", "-c", script, "sh", ...config.Env, ...inside],
  };
}
