/** An examination, put together: what is looked at of a service with these settings, here and in its cluster. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { calleesCheck, calleesIn, type Pick } from "./doctor/callees.ts";
import type { Check, CheckedFinding } from "./doctor/doctor.ts";
import { examine } from "./doctor/examination.ts";
import { type ConfigFacts, configCheck, type ModuleFacts, moduleCheck } from "./doctor/module.ts";
import { nameServerCheck } from "./doctor/name-server.ts";
import { surroundingsCheck } from "./doctor/surroundings.ts";
import { versionsCheck } from "./doctor/versions.ts";
import { type ClusterExamined, clusterChecks } from "./doctor-cluster.ts";
import { limits, type PlaceExamined, placeChecks } from "./doctor-place.ts";
import { silentLog } from "./log.ts";
import * as plugins from "./plugins.ts";
import { definitionOf } from "./run.ts";
import { bindHandlers } from "./service/compose.ts";
import { identify } from "./service/identity.ts";
import { loadModule } from "./service/load.ts";
import type { Settings } from "./settings.ts";

export type { CheckedFinding } from "./doctor/doctor.ts";
export type { ConfigFacts } from "./doctor/module.ts";

/** What a run would be. */
export interface Examination extends ClusterExamined, PlaceExamined {
  /** What this program is. */
  readonly program: string;
  /** Undefined: only the place is looked at. */
  readonly module: string | undefined;
  /** Services that must be found. */
  readonly calls: readonly string[];
  /** @param loaded the module can be asked for its schema */
  readonly config: (loaded: boolean) => Promise<ConfigFacts>;
}

/** Never rejects: what cannot be looked at is a finding. */
export async function examineService(examined: Examination): Promise<CheckedFinding[]> {
  await using stack = new AsyncDisposableStack();
  const { env, module, calls, program } = examined;
  const text = module === undefined ? "" : await readFile(module, "utf8").catch(() => "");
  const seen = calleesIn(text).filter((name) => !calls.includes(name));
  const callees = [
    ...calls.map((name) => ({ name, named: true })),
    ...seen.map((name) => ({ name, named: false })),
  ];
  const { reached, checks } = clusterChecks(examined, stack);
  const around = await examine([
    versionsCheck(program, env.TZ),
    limits,
    surroundingsCheck(env),
    nameServerCheck(Boolean(env.KUBERNETES_SERVICE_HOST)),
    ...checks,
    ...placeChecks(examined),
    calleesCheck(callees, () => openPick(examined, stack), reached),
  ]);
  // after the rest: what a module does as it loads keeps the thread busy, and times are told
  const [own, config] = moduleChecks(examined);
  return [...(await examine(own)), ...(await examine(config)), ...around];
}

function moduleChecks({ settings, module, config }: Examination): [Check[], Check[]] {
  let loaded = false;
  const load = async (): Promise<ModuleFacts> => {
    const facts = await moduleFacts(settings);
    loaded = true;
    return facts;
  };
  return [module === undefined ? [] : [moduleCheck(load)], [configCheck(() => config(loaded))]];
}

/** @throws MicrorunError as a run does */
async function moduleFacts(settings: Settings): Promise<ModuleFacts> {
  await definitionOf(settings, silentLog);
  const how = settings.proto === undefined ? {} : { proto: settings.proto };
  const { definition, file, proto } = await loadModule(settings.module, how);
  const schema = proto.length === 0 ? undefined : await (await plugins.grpc.schema()).loadSchema(proto);
  const { endpoints } = bindHandlers(definition.handlers ?? {}, schema);
  const nameOf = ({ method }: (typeof endpoints)[number]): string => `${method.service}.${method.name}`;
  return {
    name: identify(settings.server, definition, file).name,
    methods: endpoints.map(nameOf),
    unanswered: endpoints.filter(({ handler }) => handler === undefined).map(nameOf),
    protos: proto.map((path) => basename(path)),
  };
}

/** Where calls go, as the settings say. */
async function openPick({ settings, env }: Examination, stack: AsyncDisposableStack): Promise<Pick> {
  const { mesh } = settings;
  const options = { mesh, env, log: silentLog };
  const registry = stack.use(await plugins.choose(plugins.registries, "registry", mesh.registry, options));
  const how = { ...options, registry };
  const selector = stack.use(await plugins.choose(plugins.selectors, "selector", mesh.selector, how));
  return async (service) => {
    const address = await selector.pick(service);
    selector.report?.(address, undefined, 0, true);
    return address;
  };
}
