/** Programs built from a Go module of test/tools, kept outside node_modules: `npm ci` removes that, and some take minutes. */
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** The folder of what is built from these files of a module, on this platform. */
export async function goCache(
  title: string,
  module: string,
  files: readonly string[] = ["go.mod", "go.sum"],
): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256").update(`${process.platform} ${process.arch}\n`);
  for (const file of files) hash.update(await readFile(join(module, file)));
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(caches, "microrun-test", `${title}-${hash.digest("hex").slice(0, 16)}`);
}

export interface GoProgram {
  readonly module: string;
  readonly package: string;
  /** Where the program goes. */
  readonly path: string;
  /** Beside `-s -w`. */
  readonly ldflags?: string;
}

/** @throws Error with what `go` said */
export async function goBuild({ module, package: name, path, ldflags = "" }: GoProgram): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  console.error(`building ${name}; with empty Go caches this may take minutes`);
  const unfinished = `${path}.${process.pid}.tmp`;
  const go = ["go", "build", "-o", unfinished, "-ldflags", `-s -w ${ldflags}`.trim(), name];
  // One process builds, another that waited for it has little left to do: Go's own cache is warm then.
  const lock = Bun.which("flock") ? ["flock", join(folder, "lock")] : [];
  try {
    const child = Bun.spawn([...lock, ...go], {
      cwd: module,
      // Set, not added to: a developer's own flags may change what is built.
      env: {
        ...process.env,
        CGO_ENABLED: "0",
        GOWORK: "off",
        GOFLAGS: "-mod=readonly -trimpath -buildvcs=false",
      },
      stdout: "ignore",
      stderr: "pipe",
    });
    const said = await new Response(child.stderr).text();
    if ((await child.exited) !== 0) throw new Error(`cannot build ${name}:\n${said}`);
    await rename(unfinished, path); // another process may do the same: either file is good
  } finally {
    await rm(unfinished, { force: true });
  }
}
