/** Programs of Go that test HTTP/2, built from the module of test/tools/h2spec, once per version: h2spec, and net/http as a peer. */
import { join } from "node:path";
import { goBuild, goCache } from "./go-build.ts";

const module = join(import.meta.dir, "tools/h2spec");
const packages = { h2spec: "github.com/summerwind/h2spec/cmd/h2spec", nethttp: "./nethttp" } as const;

/** The program's path; undefined without Go, for the test to skip: then it throws when CI=true. */
export async function goProgram(name: keyof typeof packages): Promise<string | undefined> {
  const path = join(await goCache("h2spec", module, ["go.mod", "go.sum", "nethttp/main.go"]), name);
  if (await Bun.file(path).exists()) return path;
  if (!Bun.which("go")) {
    if (process.env.CI === "true") throw new Error(`cannot build ${name}: there is no go in PATH`);
    console.error(`skipped: tests with ${name}, as there is no go in PATH to build it`);
    return undefined;
  }
  await goBuild({ module, package: packages[name], path });
  return path;
}
