/** Programs of Go that test HTTP/2, built from the module of test/tools/h2spec, once per version: h2spec, and net/http as a peer. */
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";

const module = join(import.meta.dir, "tools/h2spec");
const cache = join(import.meta.dir, "../node_modules/.cache/microrun-peers");
const packages = { h2spec: "github.com/summerwind/h2spec/cmd/h2spec", nethttp: "./nethttp" } as const;

/** The program's path; undefined without Go, for the test to skip: then it throws when CI=true. */
export async function goProgram(name: keyof typeof packages): Promise<string | undefined> {
  const hash = new Bun.CryptoHasher("sha256").update(`${process.platform} ${process.arch}\n`);
  for (const file of ["go.mod", "go.sum", "nethttp/main.go"])
    hash.update(await Bun.file(join(module, file)).bytes());
  const path = join(cache, `${name}-${hash.digest("hex").slice(0, 16)}`);
  if (await Bun.file(path).exists()) return path;
  if (!Bun.which("go")) {
    if (process.env.CI === "true") throw new Error(`cannot build ${name}: there is no go in PATH`);
    console.error(`skipped: tests with ${name}, as there is no go in PATH to build it`);
    return undefined;
  }
  await mkdir(cache, { recursive: true });
  const unfinished = `${path}.${process.pid}.tmp`;
  const command = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", unfinished];
  const go = Bun.spawn([...command, packages[name]], {
    cwd: module,
    env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOWORK: "off" },
    stdout: "ignore",
    stderr: "pipe",
  });
  const said = await new Response(go.stderr).text();
  if ((await go.exited) !== 0) throw new Error(`cannot build ${name}:\n${said}`);
  await rename(unfinished, path);
  return path;
}
