/** A root like Alpine's, made without Alpine: musl of a newer Debian release, libstdc++ and libgcc of a musllinux wheel. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Target } from "./harness.ts";

/** The first with musl 1.2.5; Bun crashes on 1.2.3, which the release before it has. */
const release = "trixie";
/** A small package that brings both libraries, from the compiler of Alpine. */
const wheel = {
  requirement: "greenlet==3.5.6",
  sha256: {
    x64: "06c0e933290fba8ffe53ead4ae1b8044b0e9754b75cebf381aa2bc3e50d82fac",
    arm64: "df19e2d0b1620039af5102563fbd96e8938c7f5c3f5828528d641d9fc585525e",
  },
} as const;
const platforms = { x64: { debian: "amd64", gnu: "x86_64" }, arm64: { debian: "arm64", gnu: "aarch64" } };

const arch = process.arch as keyof typeof platforms;
let asked: Promise<string | undefined> | undefined;

/**
 * Its path, in the cache. `undefined` where it cannot be made or entered, for the test to skip; then it throws when CI=true.
 */
export function muslRoot(): Promise<string | undefined> {
  asked ??= find();
  return asked;
}

/** What `docker run --read-only --user 65532 -v FOLDER:/app IMAGE` does with a root. */
export function contained(
  root: string,
  microrun: string,
  app: string,
  env: Readonly<Record<string, string>> = {},
): Target {
  const script = [
    'mount --bind "$1" "$1"',
    'mount --bind "$2" "$1/usr/local/bin/microrun"',
    'mount --bind "$3" "$1/app"',
    'mount --rbind /proc "$1/proc"',
    'for path in "" /app /usr/local/bin/microrun; do mount -o remount,ro,bind "$1$path"; done',
    'root="$1"; shift 3',
    'exec chroot --userspec=65532:65532 --groups= "$root" /usr/local/bin/microrun "$@"',
  ].join("\n");
  const entries = Object.entries({ PATH: process.env.PATH, ...env }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const unshare = ["unshare", "--mount", "--propagation=private", "sh", "-euc", script, "sh"];
  return { name: "musl", command: ["env", "-i", ...entries, ...unshare, root, microrun, app] };
}

async function find(): Promise<string | undefined> {
  const obstacle = await obstacleHere();
  return obstacle === undefined ? made().catch(({ message }) => without(message)) : without(obstacle);
}

function without(obstacle: string): undefined {
  if (process.env.CI === "true") throw new Error(`cannot test on musl: ${obstacle}`);
  console.error(`skipped: tests on musl: ${obstacle}`);
  return undefined;
}

async function made(): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "microrun-test");
  const key = new Bun.CryptoHasher("sha256").update(await readFile(import.meta.path)).digest("hex");
  const folder = join(cache, `musl-${key.slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, "musl-making-"));
  try {
    const root = join(work, "root");
    for (const path of ["app", "etc", "lib", "proc", "tmp", "usr/local/bin"])
      await mkdir(join(root, path), { recursive: true });
    await writeFile(join(root, "usr/local/bin/microrun"), "", { mode: 0o755 }); // something to mount on
    await addMusl(work, root);
    await addLibraries(work, root);
    await rename(root, folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error; // another process made the same
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

async function obstacleHere(): Promise<string | undefined> {
  if (process.platform !== "linux" || !(arch in platforms)) return "it runs on Linux x64 and arm64 only";
  for (const name of ["apt-get", "dpkg-deb", "python3", "unshare", "chroot"])
    if (!Bun.which(name)) return `there is no ${name} in PATH`;
  if ((await debianMirror()) === undefined) return "apt knows no mirror of Debian to take musl from";
  const entered = Bun.spawnSync(["unshare", "--mount", "--propagation=private", "true"]);
  return entered.exitCode === 0 ? undefined : "a mount namespace needs root";
}

/** The one that this machine uses itself, which has the other releases too. */
async function debianMirror(): Promise<string | undefined> {
  const format = "--format=$(REPO_URI) $(RELEASE)";
  const listed = await run(["apt-get", "indextargets", format, "Created-By: Packages", "Component: main"]);
  const own = /^VERSION_CODENAME=(.*)$/m.exec(await readFile("/etc/os-release", "utf8"))?.[1];
  const lines = listed.split("\n").map((line) => line.split(" "));
  return lines.find(([uri, name]) => name === own && uri?.replace(/\/$/, "").endsWith("/debian"))?.[0];
}

/** By an apt of its own, which leaves the machine's lists and packages alone. */
async function addMusl(work: string, root: string): Promise<void> {
  const { debian, gnu } = platforms[arch];
  const keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
  const source = `deb [arch=${debian} signed-by=${keys}] ${await debianMirror()} ${release} main\n`;
  await writeFile(join(work, "sources.list"), source);
  await writeFile(join(work, "status"), "");
  await mkdir(join(work, "lists/partial"), { recursive: true });
  await mkdir(join(work, "cache/archives/partial"), { recursive: true });
  const settings = {
    "Dir::Etc::sourcelist": join(work, "sources.list"),
    "Dir::Etc::sourceparts": "-",
    "Dir::State::lists": join(work, "lists"),
    "Dir::State::status": join(work, "status"),
    "Dir::Cache": join(work, "cache"),
    "APT::Architecture": debian,
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
  };
  const apt = ["apt-get", "-qq", ...Object.entries(settings).map(([name, value]) => `-o${name}=${value}`)];
  await run([...apt, "update"], work);
  await run([...apt, "download", "musl"], work);
  const deb = (await readdir(work)).find((name) => name.endsWith(".deb"))!;
  await run(["dpkg-deb", "-x", deb, "musl"], work);
  const loader = `ld-musl-${gnu}.so.1`;
  await rename(join(work, `musl/usr/lib/${gnu}-linux-musl/libc.so`), join(root, "lib", loader));
  await symlink(loader, join(root, `lib/libc.musl-${gnu}.so.1`)); // Alpine's name for it
}

async function addLibraries(work: string, root: string): Promise<void> {
  const { requirement, sha256 } = wheel;
  await writeFile(join(work, "wheel.txt"), `${requirement} --hash=sha256:${sha256[arch]}\n`);
  const pip = ["python3", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"];
  const platform = [`--platform=musllinux_1_2_${platforms[arch].gnu}`, "--python-version=3.13"];
  await run([...pip, ...platform, "--require-hashes", "--requirement=wheel.txt"], work);
  const file = (await readdir(work)).find((name) => name.endsWith(".whl"))!;
  await run(["python3", "-m", "zipfile", "-e", file, "wheel"], work);
  const libs = join(work, "wheel", `${requirement.split("==")[0]}.libs`);
  for (const name of await readdir(libs)) {
    await rename(join(libs, name), join(root, "lib", name));
    if (name.startsWith("libstdc++")) await symlink(name, join(root, "lib/libstdc++.so.6"));
    if (name.startsWith("libgcc_s")) await symlink(name, join(root, "lib/libgcc_s.so.1"));
  }
}

/** Longest that a download may take. */
const stepTimeoutMs = 180_000;

async function run(command: readonly string[], cwd = "/"): Promise<string> {
  const child = Bun.spawn([...command], {
    cwd,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: stepTimeoutMs,
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${command.slice(0, 4).join(" ")} …: ended with ${code}\n${stderr}`);
  return stdout;
}

if (import.meta.main) console.log(await muslRoot());
