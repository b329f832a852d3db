/** `microrun dev`: all services of a project in one terminal, until Ctrl-C. */
import { once } from "node:events";
import { basename, relative } from "node:path";
import type { ReadModuleText } from "../../dev/dev.ts";
import { usageError } from "../../errors.ts";
import * as plugins from "../../plugins.ts";
import type { Input } from "../command/command.ts";
import { openRegistry } from "../command/discovery.ts";
import { factsIn, isFunction, isServable } from "../command/module-facts.ts";
import { tableText } from "../command/output.ts";
import { selfCommand, shellWord } from "../command/self.ts";
import { wantsColor } from "../command/terminal.ts";
import { devFlags } from "../flags/dev-flags.ts";
import { readFlags } from "../flags/values.ts";
import { openDevDashboard } from "./dev-dashboard.ts";

/** How many modules are named that are not run. */
const maxShown = 10;

type Run = Awaited<ReturnType<typeof plugins.dev>>;
type Options = Parameters<Run["runProject"]>[0];
type Planned = Parameters<Options["planned"]>[0];

const readModule: ReadModuleText = (text) => {
  const { name } = factsIn(text);
  return {
    ...(name === undefined ? {} : { name }),
    isFunction: isFunction(text),
    isServable: isServable(text),
  };
};

export async function start({ words, given, env, host }: Input): Promise<number> {
  const { runProject, guard, guardianVariable } = await plugins.dev();
  const guarded = env[guardianVariable];
  if (guarded !== undefined) return guard(process.stdin, guarded);
  const flags = readFlags(devFlags, given, env);
  const { program, name } = await host();
  if (program === undefined)
    throw usageError(`dev: ${name} cannot start other services`, "run the microrun executable");

  const signals = takeStops();
  const options: Options = {
    place: words[0] ?? ".",
    readModule,
    program,
    env,
    only: flags.only,
    registry: flags.registry,
    portBase: flags.port_base,
    logLevel: flags.log_level,
    color: wantsColor(env, process.stdout),
    write: { stdout: writer(process.stdout), stderr: writer(process.stderr) },
    planned: (planned) => void process.stdout.write(plannedText(planned)),
    announce,
    inspect: flags.dashboard,
    ...(flags.dashboard
      ? {
          beside: async (place, say) => {
            const opened = await openDevDashboard(place, { address: flags.dashboard_address, host, say });
            process.stdout.write(`dashboard: ${opened.url}\n`);
            return opened;
          },
        }
      : {}),
    ...signals,
  };
  await runProject(options);
  return signals.code();
}

/** The first asks all to stop, the second does not wait for them. */
function takeStops(): { stop: AbortSignal; force: AbortSignal; code: () => number } {
  const stop = new AbortController();
  const force = new AbortController();
  let code = 0;
  for (const [name, forced] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) {
        code = forced;
        force.abort();
      }
      stop.abort();
    });
  }
  // nobody reads on
  process.stdout.on("error", () => stop.abort());
  return { stop: stop.signal, force: force.signal, code: () => code };
}

/** Whoever writes more than is read waits. */
function writer(stream: NodeJS.WriteStream): (text: string) => Promise<unknown> | undefined {
  return (text) => (stream.write(text) ? undefined : once(stream, "drain").catch(() => {}));
}

/** In the registry of this run alone. */
async function announce(service: string, address: string, folder: string): Promise<AsyncDisposable> {
  const given = new Map([
    ["registry", ["local"]],
    ["registry_address", [folder]],
  ]);
  await using opened = new AsyncDisposableStack();
  const registry = opened.use(await openRegistry({ given, env: {} }));
  const isThere = (await registry.list()).some((one) => one.service === service && one.address === address);
  if (!isThere) {
    const id = `${service}-${crypto.randomUUID()}`;
    const metadata = { protocol: "grpc", registry: "local", server: "grpc", transport: "grpc" };
    opened.use(await registry.register({ id, service, version: "latest", address, metadata }));
  }
  return opened.move();
}

function plannedText({ project, instances, registry, registryFolder }: Planned): string {
  const rows = instances.map(({ label, plan, port, own, after }) => [
    label,
    plan.module ?? commandText(plan.command ?? []),
    addressText(plan.module !== undefined, port, own),
    after.join(", "),
  ]);
  const { skipped } = project;
  const leftOut = skipped.slice(0, maxShown).map(({ file, why }) => `left out: ${file} (${why})\n`);
  if (skipped.length > maxShown) leftOut.push(`left out: ${skipped.length - maxShown} more\n`);
  const elsewhere =
    registry === "local"
      ? `from another terminal: ${selfCommand()} call SERVICE ENDPOINT --registry_address=${shellWord(registryFolder)}\n`
      : "";
  const folder = relative(process.cwd(), project.folder) || basename(project.folder);
  return `${folder}: gRPC, JSON, web and health on one port each; registry ${registry}\n\n${tableText([
    ["SERVICE", "RUNS", "ADDRESS", "AFTER"],
    ...rows,
  ])}\n${leftOut.join("")}${elsewhere}`;
}

function addressText(
  isModule: boolean,
  port: number | undefined,
  own: Planned["instances"][number]["own"],
): string {
  if (port === undefined) return "-";
  if (!isModule) return `127.0.0.1:${port}`;
  const http = `http://127.0.0.1:${own?.http ?? port}`;
  const grpc = own?.grpc ?? port;
  return own?.http === undefined && own?.grpc === undefined ? http : `${http}, gRPC 127.0.0.1:${grpc}`;
}

/** The shell is not worth naming. */
function commandText(command: readonly string[]): string {
  const [shell, option, text] = command;
  return shell === "/bin/sh" && option === "-c" ? (text ?? "") : command.map(shellWord).join(" ");
}
