/** `microrun build`: an executable of a module. */
import { MicrorunError, usageError } from "../../errors.ts";
import { shipping } from "../../shipping.ts";
import type { Input } from "../command/command.ts";
import { stopSignal } from "../command/discovery.ts";
import { progressBar } from "../command/progress.ts";
import { written } from "../command/written.ts";
import { buildFlags, bundleFlags, runtimeFlags } from "../flags/build-flags.ts";
import { readFlags } from "../flags/values.ts";

export async function start(input: Input): Promise<number> {
  const { given, env } = input;
  const module = await moduleToShip("build", input);
  const { output, target } = readFlags(buildFlags, given, env);
  const { runtime } = readFlags(runtimeFlags, given, env);
  const { parseTarget } = await shipping.targets();
  const wanted = target === undefined ? undefined : parseTarget(target);
  const { buildBinary } = await shipping.binary();
  using bar = progressBar(process.stderr, { env });
  const signal = stopSignal();
  const made = await written(
    "build",
    buildBinary({
      module,
      ...readFlags(bundleFlags, given, env),
      env,
      signal,
      progress: bar.step,
      ...(output === undefined ? {} : { outfile: output }),
      ...(wanted === undefined ? {} : { target: wanted }),
      ...(runtime === undefined ? {} : { bun: runtime }),
    }).catch((error) => {
      throw signal.aborted ? new MicrorunError("cancelled", "build: stopped, nothing was written") : error;
    }),
  );
  process.stderr.write(made.notes.map((note) => `note: ${note}\n`).join(""));
  process.stdout.write(`${made.path}  ${(made.size / 1e6).toFixed(1)} MB  ${made.target.name}\n`);
  return 0;
}

/** The module that a command makes something of. @throws MicrorunError `unimplemented` where there is no bundler */
export async function moduleToShip(command: string, { words, host }: Input): Promise<string> {
  const [module] = words;
  if (module === undefined)
    throw usageError(`microrun ${command}: of which module?`, `name it: microrun ${command} ./greeter.ts`);
  const { name } = await host();
  if (name !== "bun")
    throw new MicrorunError("unimplemented", `microrun ${command}: needs Bun's bundler, this is ${name}`, {
      hint: "use the microrun executable, which brings its own Bun",
    });
  return module;
}
