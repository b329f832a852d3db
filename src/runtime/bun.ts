/** Bun, from source and inside the compiled executable. */
import { serveWithBun } from "./bun-server.ts";
import { insideProgram, offerFiles, offerMicrorun } from "./imports.ts";
import { reapOrphans } from "./reaper.ts";
import { lookAfterRestarts, restart } from "./restart.ts";
import type { Runtime } from "./runtime.ts";
import { offerTranspiler } from "./transpile.ts";

export function bunRuntime(): Runtime {
  return {
    name: "bun",
    version: Bun.version,
    compiled: Bun.isStandaloneExecutable,
    async prepare(exports, module = "module.ts") {
      // without a libc to ask, the dead stay
      if (process.pid === 1 && process.platform === "linux") await reapOrphans().catch(() => {});
      await lookAfterRestarts(module);
      offerMicrorun(exports);
      offerFiles(Bun.isStandaloneExecutable);
      // what lies in an executable was transpiled when that was made
      if (!insideProgram.test(module)) await offerTranspiler(module);
    },
    serve: serveWithBun,
    watch: async (args) => restart(args, { waiting: false, folders: [] }),
  };
}
