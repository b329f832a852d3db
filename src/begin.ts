/** Where the process begins, whatever executable it is in. */
import type { Built } from "./cli/command/command.ts";
import { main } from "./cli/program.ts";

export interface Executable {
  /** The service that this executable is. @default none: it runs any */
  readonly built?: Built;
}

/** Does not return. */
export async function begin({ built }: Executable = {}): Promise<void> {
  const code = await main({
    argv: process.argv.slice(2),
    env: process.env,
    host: async () => (await import("./runtime/host.ts")).hostRuntime(),
    ...(built === undefined ? {} : { built }),
  });
  // what is written goes out first, however slow its reader: of a write Bun says that it is done while a pipe is still full; what the
  // module left running must not keep the process
  process.stdout.end(() => process.stderr.end(() => process.exit(code)));
}
