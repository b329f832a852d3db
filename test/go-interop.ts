/** Programs of Go that try gRPC and HTTP/2, built from the module of test/tools/interop, once per version of their source. */
import { join } from "node:path";
import { goBuild, goCache } from "./go-build.ts";

const module = join(import.meta.dir, "tools/interop");

const packages = {
  /** The interop client of grpc-go. */
  client: "google.golang.org/grpc/interop/client",
  /** The interop server of grpc-go. */
  server: "./server",
  /** The Framer of golang.org/x/net/http2. */
  framer: "./framer",
} as const;

const sources = ["go.mod", "go.sum", "server/main.go", "framer/main.go"];

/** The program's path; undefined without Go, for the test to skip: then it throws when CI=true. */
export async function interopProgram(name: keyof typeof packages): Promise<string | undefined> {
  const path = join(await goCache("interop", module, sources), name);
  if (await Bun.file(path).exists()) return path;
  if (!Bun.which("go")) {
    if (process.env.CI === "true") throw new Error(`cannot build ${name}: there is no go in PATH`);
    console.error(`skipped: tests with the interop ${name}, as there is no go in PATH to build it`);
    return undefined;
  }
  await goBuild({ module, package: packages[name], path });
  return path;
}
