/** Runs a project: what starts is undone backwards. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { errorText, MicrorunError, usageError } from "../errors.ts";
import { aborted } from "../wait.ts";
import { watchChanges } from "./changes.ts";
import type { Instance, Project, ReadModuleText } from "./dev.ts";
import { createPorts } from "./free-ports.ts";
import { type Guardian, startGuardian } from "./guardian.ts";
import { instancesOf } from "./instances.ts";
import { type LaunchOptions, launchOf, usesWorkers } from "./launch.ts";
import { createPrefixes, prefixLines, type Write } from "./line-prefix.ts";
import { createMember, type Member } from "./member.ts";
import { startProcess } from "./process.ts";
import { readProject } from "./project.ts";
import { ready } from "./readiness.ts";
import { createTeam } from "./team.ts";

export { guard, guardianVariable } from "./guardian.ts";

export interface RunOptions extends Omit<LaunchOptions, "registry" | "registryFolder"> {
  /** A folder, or a microrun.yaml. */
  readonly place: string;
  readonly readModule: ReadModuleText;
  /** @default all */
  readonly only: readonly string[];
  /** @default what the project says, else local */
  readonly registry: string | undefined;
  /** @default any free ports */
  readonly portBase: number | undefined;
  readonly write: { readonly stdout: Write; readonly stderr: Write };
  /** Told before anything starts. */
  readonly planned: (planned: Planned) => void;
  /** Makes known a service that cannot do so itself, unless it has. */
  readonly announce: (name: string, address: string, registryFolder: string) => Promise<AsyncDisposable>;
  /** Runs beside them, from before the first starts until the last has ended. */
  readonly beside?: (registry: Place, say: (text: string) => void) => Promise<AsyncDisposable>;
  readonly stop: AbortSignal;
  /** What does not stop is killed. */
  readonly force: AbortSignal;
}

/** Where the services find each other. */
export interface Place {
  readonly registry: string;
  /** Of a registry for this run alone. */
  readonly registryFolder: string;
}

export interface Planned extends Place {
  readonly project: Project;
  /** With their ports. */
  readonly instances: readonly Instance[];
}

const own = "microrun";

/** Until stopped. @throws MicrorunError when there is nothing to start, or it cannot be */
export async function runProject(options: RunOptions): Promise<void> {
  const { place, readModule, only, stop, force, write } = options;
  const { color, portBase } = options;
  let project = await readProject(place, readModule);
  let instances = instancesOf(project.services, only);
  if (instances.length === 0) throw nothingIn(place, project);

  const prefixes = createPrefixes(color);
  const prefix = (label: string): string => prefixes(label, [own, ...instances.map((one) => one.label)]);
  const say = (text: string): void => void write.stdout(`${prefix(own)}${text}\n`);

  await using stack = new AsyncDisposableStack();
  const registryFolder = await mkdtemp(join(tmpdir(), "microrun-dev-"));
  stack.defer(() => rm(registryFolder, { recursive: true, force: true }));
  const registry = options.registry ?? project.registry ?? "local";
  const portsOf = createPorts(portBase);
  const placed = async (all: readonly Instance[]): Promise<Instance[]> => {
    const ports = await portsOf(all);
    return all.map((one) => ({ ...one, port: ports.get(one.label) }));
  };
  instances = await placed(instances);

  stack.defer(() => say("stopped"));
  const guardian = startGuardian([...options.program, "dev"], registryFolder);
  stack.defer(() => guardian.dismiss());
  options.planned({ project, instances, registry, registryFolder });
  if (options.beside !== undefined) stack.use(await options.beside({ registry, registryFolder }, say));
  const launch = { ...options, registry, registryFolder };
  const create = (instance: Instance): Member =>
    memberOf(instance, { launch, guardian, say, prefix: () => prefix(instance.label) });
  const team = createTeam({ create, say });
  stack.defer(() => team.stop());
  force.addEventListener("abort", team.kill);

  const apply = async (all: readonly Instance[]): Promise<void> => {
    const { started, areReady } = await team.apply(all);
    if (started > 0 && areReady && !stop.aborted) say(`ready: ${all.map(({ label }) => label).join(", ")}`);
  };
  const reread = async (): Promise<void> => {
    try {
      const next = await readProject(place, readModule, project);
      const all = await placed(instancesOf(next.services, only));
      project = next;
      instances = all;
      await apply(all);
    } catch (error) {
      const { hint } = MicrorunError.from(error);
      say(`all goes on as before: ${errorText(error)}${hint === undefined ? "" : ` (${hint})`}`);
    }
  };
  stack.use(watchChanges(project.sources, { changed: () => void reread() }));
  void apply(instances);
  await aborted(stop);
  say("stopping");
}

interface MemberParts {
  readonly launch: RunOptions & LaunchOptions;
  readonly guardian: Guardian;
  readonly say: (text: string) => void;
  /** As wide as it is now. */
  readonly prefix: () => string;
}

function memberOf(instance: Instance, { launch, guardian, say, prefix }: MemberParts): Member {
  const { label, plan, port, own: { http } = {} } = instance;
  const { registry, registryFolder, announce, write } = launch;
  const { module, cwd } = plan;
  const tell = (text: string): void => say(`${label} ${text}`);
  const watched = [...plan.watch, ...(module !== undefined && usesWorkers(plan) ? [join(cwd, module)] : [])];
  let announced: AsyncDisposable | undefined;

  const start = () =>
    startProcess(launchOf(instance, launch), {
      read: (stream, name) => prefixLines(stream, prefix(), write[name]),
      began: guardian.began,
      ended: guardian.ended,
      failed: tell,
    });
  const answers = async (signal: AbortSignal): Promise<void> => {
    await ready(http ?? port!, signal);
    if (module !== undefined || registry !== "local" || signal.aborted) return;
    announced = await announce(plan.name, `127.0.0.1:${port}`, registryFolder).catch((error) => {
      tell(`is not found by others: ${errorText(error)}`);
      return undefined;
    });
  };
  const member = createMember({
    start,
    ...(port === undefined ? {} : { answers }),
    isWatched: module !== undefined || watched.length > 0,
    say: tell,
  });
  const changes = watchChanges(watched, {
    deep: true,
    changed(file) {
      tell(`restarts: ${relative(cwd, file)} changed`);
      member.restart();
    },
  });
  return {
    ...member,
    async stop() {
      changes[Symbol.dispose]();
      // others must not be sent there any more
      await announced?.[Symbol.asyncDispose]();
      await member.stop();
    },
  };
}

function nothingIn(place: string, { skipped }: Project): MicrorunError {
  const seen = skipped.map(({ file, why }) => `${file}: ${why}`).join("; ");
  return usageError(
    `dev: no services in ${place}${seen === "" ? "" : ` (${seen})`}`,
    "put a handler module there, or name the services in a microrun.yaml",
  );
}
