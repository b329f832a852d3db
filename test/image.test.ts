/** `microrun image`: what it writes is read by others' tools, pushed to a real registry, and run. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { greeter, microrun, type Outcome, type RunOptions, serve, type Target, targets } from "./harness.ts";
import { command, container, type ImageManifest, noRoot, unpackedImage } from "./image-root.ts";
import { crane, type OciRegistry, registryBinaries, startRegistry } from "./oci-registry.ts";

/** What `--base=scratch` and the layers' names below are of. */
const isLinux = process.platform === "linux";
const arch = process.arch === "x64" ? "amd64" : "arm64";
const binaries = await registryBinaries();
/** A change of the module sends no more. */
const maxChangeBytes = 64 * 1024;
const pollMs = 5;

const folder = await mkdtemp(join(tmpdir(), "microrun-image-test-"));
let registry: OciRegistry;
beforeAll(async () => {
  if (binaries !== undefined) registry = await startRegistry(binaries.registry);
});
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A cache of the tests alone, in which a layer is compressed once. */
const env = { XDG_CACHE_HOME: join(folder, "cache") };
// the Bun that runs the tests is of this machine's platform, and nothing is fetched
const below = ["--base=scratch", `--runtime=${process.execPath}`];

function image(target: Target, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return microrun(target, ["image", ...args], { ...options, env: { ...env, ...options.env } });
}

/** A copy of the example's module, with secrets beside it. */
async function project(): Promise<string> {
  const path = await mkdtemp(join(folder, "project-"));
  await cp(dirname(greeter), path, { recursive: true });
  await writeFile(join(path, ".env"), "PASSWORD=never-in-an-image\n");
  await writeFile(join(path, "server.key"), "never-in-an-image\n");
  return join(path, "greeter.ts");
}

async function changed(module: string): Promise<void> {
  const text = await readFile(module, "utf8");
  expect(text).toContain("Hello");
  await writeFile(module, text.replaceAll("Hello $", "Good day $"));
  expect(await readFile(module, "utf8")).not.toBe(text);
}

for (const target of targets) {
  describe.skipIf(!isLinux)(`microrun image, ${target.name}`, () => {
    const archive = join(folder, `${target.name}.tar`);
    let digest = "";

    test("an archive is written, its digest alone is on stdout", async () => {
      const made = await image(target, [await project(), "-t", "shop/greeter:1", "-o", archive, ...below]);
      expect(made.stderr).toContain(`wrote ${archive}`);
      expect(made.code).toBe(0);
      expect(made.stdout).toMatch(/^docker\.io\/shop\/greeter@sha256:[0-9a-f]{64}\n$/);
      digest = made.stdout.trim().split("@")[1]!;
      await using unpacked = await unpackedImage(archive);
      expect(unpacked.index.manifests[0]).toMatchObject({
        digest,
        annotations: {
          "org.opencontainers.image.ref.name": "1",
          "io.containerd.image.name": "docker.io/shop/greeter:1",
        },
      });
    }, 60_000);

    test("the same module gives the same bytes, wherever it lies and with another cache", async () => {
      const again = join(folder, `${target.name}-again.tar`);
      const file = join(folder, `${target.name}.digest`);
      const made = await image(
        target,
        [await project(), "-t", "shop/greeter:1", "-o", again, "--digest-file", file, ...below],
        { env: { XDG_CACHE_HOME: join(folder, `cache-of-${target.name}`) } },
      );
      expect(made.code).toBe(0);
      expect(await readFile(file, "utf8")).toBe(`${digest}\n`);
      expect(await Bun.file(again).bytes()).toEqual(await Bun.file(archive).bytes());
      await rm(again);
    }, 60_000);

    test("a change of one line changes the last layer alone, and that is small", async () => {
      const module = await project();
      await changed(module);
      const other = join(folder, `${target.name}-changed.tar`);
      expect((await image(target, [module, "-o", other, "-t", "shop/greeter:1", ...below])).code).toBe(0);
      await using one = await unpackedImage(archive);
      await using two = await unpackedImage(other);
      const before: ImageManifest = await one.document(one.index.manifests[0]!.digest);
      const after: ImageManifest = await two.document(two.index.manifests[0]!.digest);
      expect(before.layers.slice(0, -1)).toEqual(after.layers.slice(0, -1));
      expect(before.layers.at(-1)!.digest).not.toBe(after.layers.at(-1)!.digest);
      expect(after.layers.at(-1)!.size).toBeLessThan(maxChangeBytes);
    }, 60_000);

    test("nothing secret that lies beside the module is in an image", async () => {
      await using unpacked = await unpackedImage(archive);
      const { layers }: ImageManifest = await unpacked.document(digest);
      const names = await command(["tar", "-tf", unpacked.blob(layers.at(-1)!.digest)]);
      expect(names.split("\n").filter((name) => name !== "" && !name.endsWith("/"))).toEqual([
        "app/greeter.js",
        "app/greeter.proto",
      ]);
      expect(await command(["tar", "-xOf", unpacked.blob(layers.at(-1)!.digest)])).not.toContain(
        "never-in-an-image",
      );
    });

    test("an archive and a layout are what others' tools take them for", async () => {
      if (binaries === undefined) return;
      expect(await crane(binaries.crane, ["validate", "--tarball", archive])).toMatchObject({ code: 0 });
      const layout = join(folder, `${target.name}-layout/`);
      const made = await image(target, [
        await project(),
        "-o",
        layout,
        "--compression=zstd",
        "--no-sbom",
        ...below,
      ]);
      expect(made.code).toBe(0);
      const names = await readdir(layout);
      expect(names.sort()).toEqual(["blobs", "index.json", "oci-layout"]);
      const pushed = await crane(binaries.crane, [
        "push",
        "--insecure",
        layout,
        `${registry.host}/layout-${target.name}:1`,
      ]);
      expect(pushed).toMatchObject({ code: 0 });
      expect(pushed.stdout.trim()).toBe(
        `${registry.host}/layout-${target.name}@${made.stdout.trim().split("@")[1]}`,
      );
    }, 60_000);

    test("an image runs as nobody in particular, on a root that cannot be written", async () => {
      if (noRoot()) return;
      await using unpacked = await unpackedImage(archive);
      await using running = await serve(await container(unpacked, digest), []);
      const url = `http://${running.address()}/greeter.Greeter/Hello`;
      const reply = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ name: "image" }),
      });
      expect(await reply.json()).toEqual({ greeting: "Hello image!" });
      const status = await readFile(`/proc/${running.pid}/status`, "utf8");
      expect(/^Uid:\s+(\d+)/m.exec(status)?.[1]).toBe("65532");
      running.signal("SIGTERM");
      expect(await running.exited).toBe(0);
    }, 60_000);

    test("a push says what was sent: all at first, then nothing, then the changed layer", async () => {
      if (binaries === undefined) return;
      const module = await project();
      const name = `${registry.host}/push-${target.name}`;
      const push = async () => {
        const made = await image(target, [module, "-t", `${name}:1,${name}:latest`, ...below]);
        expect(made.stderr).toContain(`pushed to ${name}: `);
        const [, amount, unit] = /: ([\d.]+) (B|kB|MB) sent/.exec(made.stderr)!;
        return {
          reference: made.stdout.trim(),
          sent: Number(amount) * { B: 1, kB: 1e3, MB: 1e6 }[unit as "B"],
        };
      };
      const first = await push();
      expect(first.reference).toBe(`${name}@${digest}`);
      expect(first.sent).toBeGreaterThan(10e6);
      expect(await push()).toEqual({ reference: first.reference, sent: 0 });
      await changed(module);
      const last = await push();
      expect(last.sent).toBeGreaterThan(0);
      expect(last.sent).toBeLessThan(maxChangeBytes);
      expect(
        await crane(binaries.crane, ["validate", "--insecure", "--remote", `${name}:latest`]),
      ).toMatchObject({
        code: 0,
      });
      const [, of] = last.reference.split("@");
      expect((await crane(binaries.crane, ["digest", "--insecure", `${name}:1`])).stdout.trim()).toBe(of!);
    }, 120_000);

    test("an image stands on one of a registry, whose layers come from its repository", async () => {
      if (binaries === undefined) return;
      const base = `${registry.host}/push-${target.name}:1`;
      const name = `${registry.host}/based-${target.name}`;
      const args = [await project(), "-t", `${name}:1`, "--no-sbom", `--runtime=${process.execPath}`];
      const made = await image(target, [...args, `--base=${base}`]);
      expect(made.code).toBe(0);
      const [, amount] = /: ([\d.]+) kB sent/.exec(made.stderr)!;
      expect(Number(amount)).toBeLessThan(maxChangeBytes / 1000);
      const { stdout } = await crane(binaries.crane, ["manifest", "--insecure", `${name}:1`]);
      expect(JSON.parse(stdout).annotations).toMatchObject({
        "org.opencontainers.image.title": "greeter",
        "org.opencontainers.image.base.name": base,
        "org.opencontainers.image.base.digest": expect.stringMatching(/^sha256:/),
      });
      const none = await image(target, [...args, `--base=${registry.host}/none:1`]);
      expect(none).toMatchObject({ code: 1, stdout: "" });
      expect(none.stderr).toContain(`${registry.host}/none:1`);
    }, 60_000);

    test("what is in an image is attached to it, and found by its digest", async () => {
      if (binaries === undefined) return;
      const name = `${registry.host}/push-${target.name}`;
      const fallback = await crane(binaries.crane, [
        "manifest",
        "--insecure",
        `${name}:${digest.replace(":", "-")}`,
      ]);
      const [listed] = JSON.parse(fallback.stdout).manifests;
      expect(listed.artifactType).toBe("application/vnd.cyclonedx+json");
      const { stdout } = await crane(binaries.crane, ["manifest", "--insecure", `${name}@${listed.digest}`]);
      const manifest: ImageManifest = JSON.parse(stdout);
      expect(manifest.subject?.digest).toBe(digest);
      const sbom = await crane(binaries.crane, [
        "blob",
        "--insecure",
        `${name}@${manifest.layers[0]!.digest}`,
      ]);
      const { bomFormat, components } = JSON.parse(sbom.stdout);
      expect(bomFormat).toBe("CycloneDX");
      expect(components.map(({ name }: { name: string }) => name)).toContain("microrun");
    });

    test("what was pushed is signed by the command that was named, whose failure is ours", async () => {
      if (binaries === undefined) return;
      const signer = join(folder, `sign-${target.name}`);
      const seen = `${signer}.seen`;
      await writeFile(signer, `#!/bin/sh\nprintf '%s\\n' "$*" > ${seen}\necho signed\n[ "$1" = --yes ]\n`);
      await chmod(signer, 0o755);
      const args = [await project(), "-t", `${registry.host}/signed-${target.name}`, ...below];
      const signed = await image(target, [...args, "--sign", `${signer} --yes --by='A  B'`]);
      expect(signed.code).toBe(0);
      expect(await readFile(seen, "utf8")).toBe(`--yes --by=A  B ${signed.stdout}`);
      expect(signed.stderr).toContain("signed\n");
      const refused = await image(target, [...args, "--sign", signer]);
      expect(refused).toMatchObject({ code: 1, stdout: "" });
      expect(refused.stderr).toContain("ended with 1");
      const missing = await image(target, [...args, "--sign", "/no/such/signer"]);
      expect(missing.stderr).toContain("--sign: /no/such/signer: no such command");
      expect(missing.stderr).not.toContain("pushed");
      expect(missing.code).toBe(2);
    }, 120_000);

    test("what cannot be an image is told, with an order, before anything is made", async () => {
      const module = await project();
      const other = arch === "amd64" ? "linux/arm64" : "linux/amd64";
      const cases: [args: string[], said: string, code?: number][] = [
        [["-t", "Shop/Greeter:1"], "has upper case letters"],
        [["-t", "shop/greeter:-x"], "is not a tag"],
        [["-t", `shop/greeter@${digest}`], "the digest is known when the image is made"],
        [[], "where to push the image is not said"],
        [["-o", "x.tar", "--platform=linux/sparc"], "no such platform"],
        [["-o", "x.tar", `--platform=${other}`, "--base=scratch"], "the libraries come from this machine"],
        [
          ["-o", "x.tar", `--platform=${other}`, `--base=${archive}`],
          `it is for linux/${arch}, not for ${other}`,
        ],
        [["-o", "x.tar", "--base=./none.tar"], "no such file or folder"],
        [["-o", "x.tar", "--base=scratch", "--user=nobody"], "not a number"],
        [["-o", "x.tar", "--base=scratch", "--expose=99999"], "not a port"],
        [["-o", "x.tar", "--base=scratch", "--sign=x"], "signs what is pushed"],
        [["-o", "x.tar", "--base=scratch", "--registry_ca=./none.pem"], "cannot be read"],
        [["-o", "/proc/none/x.tar", ...below], "cannot write /proc/none", 1],
        [
          ["-o", module, "--platform=linux/amd64,linux/arm64", `--runtime=${process.execPath}`],
          "is of one platform",
        ],
      ];
      for (const [args, said, code = 2] of cases) {
        const { stderr, ...outcome } = await image(target, [module, ...args], { cwd: folder });
        expect(stderr, args.join(" ")).toContain(said);
        expect(stderr).toContain("  hint: ");
        expect(outcome, args.join(" ")).toEqual({ code, stdout: "" });
      }
      expect(await readdir(folder)).not.toContain("x.tar");
    }, 120_000);

    test("a run that is stopped ends soon, and leaves nothing half-written", async () => {
      const own = join(folder, `stopped-${target.name}`);
      const layers = join(own, "microrun/layers");
      const tar = join(own, "greeter.tar");
      await mkdir(own);
      const child = Bun.spawn([...target.command, "image", await project(), "-o", tar, ...below], {
        env: { ...process.env, XDG_CACHE_HOME: own },
        stdin: "ignore",
        stdout: "ignore",
        stderr: "pipe",
      });
      const isUnderWay = async () =>
        (await readdir(layers).catch(() => [])).some((name) => name.endsWith(".tmp"));
      while (child.exitCode === null && !(await isUnderWay())) await Bun.sleep(pollMs);
      child.kill("SIGINT");
      expect(await new Response(child.stderr).text()).toBe("error: image: stopped\n");
      expect(await child.exited).toBe(1);
      expect(await readdir(layers)).toEqual([]);
      expect(await Bun.file(tar).exists()).toBe(false);
    }, 60_000);

    test("a disk that is full is told, and nothing half-written is left", async () => {
      if (noRoot()) return;
      const small = join(folder, `small-${target.name}`);
      await mkdir(small);
      const script =
        'mount -t tmpfs -o size=8m tmpfs "$1"; shift; "$@"; code=$?; ls -A "$SMALL" >&2; exit $code';
      const full: Target = {
        name: "full",
        command: [
          "env",
          `SMALL=${small}`,
          "unshare",
          "-m",
          "sh",
          "-c",
          script,
          "sh",
          small,
          ...target.command,
        ],
      };
      const made = await image(full, [await project(), "-o", join(small, "greeter.tar"), ...below]);
      expect(made.stderr).toContain(`image: cannot write ${join(small, "greeter.tar")}: the disk is full`);
      expect(made.stderr.trimEnd().split("\n").at(-1)).toContain("hint: ");
      expect(made.code).toBe(1);
    }, 60_000);
  });
}
