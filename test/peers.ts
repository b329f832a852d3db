// Builds the peers under test/peers and test/tools (real Go Micro, Kratos, grpc-go and client-go), each once per version of its source.
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

export type Peer = "v2" | "v5" | "grpc-go" | "kratos" | "informer" | "grpcurl";

interface Module {
  folder: string;
  /** Folders whose sources the module uses besides its own. */
  uses?: string[];
  /** The package to build. @default "." */
  target?: string;
  /** The Go version that it needs, when a newer one cannot build it. */
  toolchain?: string;
}

const modules: Record<Peer, Module> = {
  v2: { folder: "peers/v2", toolchain: "go1.14.15" }, // its QUIC package refuses later ones
  v5: { folder: "peers/v5", uses: ["peers/greeterpb"] },
  "grpc-go": { folder: "peers/grpc-go", uses: ["peers/greeterpb"] },
  kratos: { folder: "peers/kratos", uses: ["peers/greeterpb"] },
  informer: { folder: "peers/informer" },
  grpcurl: { folder: "tools", target: "github.com/fullstorydev/grpcurl/cmd/grpcurl" },
};

const cache = join(import.meta.dir, "../node_modules/.cache/microrun-peers");
const asked = new Map<Peer, Promise<string | undefined>>();
let goMissing = false;

/**
 * The path of a peer's binary, built now if it is not in the cache.
 * `undefined` without Go, for the test to skip; then it throws when CI=true. A build that fails throws always.
 */
export async function peer(name: Peer): Promise<string | undefined> {
  const known = asked.get(name) ?? find(name);
  asked.set(name, known);
  return known;
}

async function find(name: Peer): Promise<string | undefined> {
  const binary = `${name}-${await fingerprint(modules[name])}`;
  const path = join(cache, binary);
  if (await Bun.file(path).exists()) return path;
  if (!Bun.which("go")) {
    if (process.env.CI === "true") throw new Error("cannot build the test peers: there is no go in PATH");
    if (!goMissing) console.error("skipped: tests against Go peers, as there is no go in PATH to build them");
    goMissing = true;
    return undefined;
  }
  await mkdir(cache, { recursive: true });
  const unfinished = `${path}.${process.pid}.tmp`;
  try {
    await build(name, modules[name], unfinished);
    await rename(unfinished, path); // another process may do the same: either file is good
  } finally {
    await rm(unfinished, { force: true });
  }
  const outdated = (await readdir(cache)).filter(
    (file) => file.startsWith(`${name}-`) && !file.startsWith(binary),
  );
  await Promise.all(outdated.map((file) => rm(join(cache, file), { force: true })));
  return path;
}

async function build(name: Peer, module: Module, path: string): Promise<void> {
  const command = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, module.target ?? "."];
  // Set, not added to: a developer's own flags may be unknown to the old toolchain.
  const env: Record<string, string | undefined> = {
    ...process.env,
    CGO_ENABLED: "0",
    GOFLAGS: "-mod=readonly",
    GOWORK: "off",
  };
  if (module.toolchain) env.GOTOOLCHAIN = module.toolchain;
  else command.splice(2, 0, "-buildvcs=false");
  const go = Bun.spawn(command, {
    cwd: join(import.meta.dir, module.folder),
    env,
    stdout: "ignore",
    stderr: "pipe",
  });
  const said = await new Response(go.stderr).text();
  if ((await go.exited) !== 0) throw new Error(`cannot build the test peer ${name}:\n${said}`);
}

/** A hash of everything that the binary is made of. */
async function fingerprint(module: Module): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256").update(
    `${process.platform} ${process.arch} ${module.toolchain}\n`,
  );
  for (const folder of [module.folder, ...(module.uses ?? [])]) {
    const files = (await readdir(join(import.meta.dir, folder))).filter((file) =>
      /\.go$|^go\.(mod|sum)$/.test(file),
    );
    for (const file of files.sort()) {
      hash.update(`${folder}/${file}\n`).update(await Bun.file(join(import.meta.dir, folder, file)).bytes());
    }
  }
  return hash.digest("hex").slice(0, 16);
}

if (import.meta.main) {
  for (const name of Object.keys(modules) as Peer[]) {
    const start = performance.now();
    const path = await peer(name);
    if (!path) break;
    console.log(`${name}: ${path} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  }
}
