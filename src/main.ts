#!/usr/bin/env bun
/** Where the process begins. */
import { main } from "./cli/program.ts";

const code = await main({
  argv: process.argv.slice(2),
  env: process.env,
  host: async () => (await import("./runtime/host.ts")).hostRuntime(),
});
// what is written goes out first, however slow its reader: of a write Bun says that it is done while a pipe is still full; what the
// module left running must not keep the process
process.stdout.end(() => process.stderr.end(() => process.exit(code)));
