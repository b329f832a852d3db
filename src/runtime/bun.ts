/** Bun, from source and inside the compiled executable. */
import { forkWithBun, ownProgram } from "./bun-fork.ts";
import { serveWithBun } from "./bun-server.ts";
import { insideProgram, offerFiles, offerMicrorun } from "./imports.ts";
import { reapOrphans } from "./reaper.ts";
import { lookAfterRestarts, restart } from "./restart.ts";
import type { Runtime } from "./runtime.ts";
import { offerTranspiler } from "./transpile.ts";

export function bunRuntime(): Runtime {
  let init: Promise<void> | undefined;
  const beInit = async (): Promise<void> => {
    if (process.pid !== 1 || process.platform !== "linux") return;
    // without a libc to ask, the dead stay
    init ??= reapOrphans().catch(() => {});
    await init;
  };
  return {
    name: "bun",
    version: Bun.version,
    compiled: Bun.isStandaloneExecutable,
    async prepare(exports, module = "module.ts") {
      await beInit();
      await lookAfterRestarts(module);
      offerMicrorun(exports);
      offerFiles(Bun.isStandaloneExecutable);
      // what lies in an executable was transpiled when that was made
      if (!insideProgram.test(module)) await offerTranspiler(module);
    },
    program: ownProgram(),
    serve: serveWithBun,
    watch: async (args) => restart(args, { waiting: false, folders: [] }),
    fork(options) {
      void beInit();
      return forkWithBun(options);
    },
  };
}
