/** The runtime for the host that this program runs on. */
import { MicrorunError } from "../errors.ts";
import type { Runtime } from "./runtime.ts";

/** @throws MicrorunError `unimplemented` on any other host than Bun and Deno */
export async function hostRuntime(): Promise<Runtime> {
  if ("Bun" in globalThis) return (await import("./bun.ts")).bunRuntime();
  if ("Deno" in globalThis) return (await import("./deno.ts")).denoRuntime();
  throw new MicrorunError("unimplemented", "microrun needs Bun or Deno", {
    hint: "run the microrun executable, which brings its own Bun",
  });
}
