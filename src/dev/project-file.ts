/** microrun.yaml: the services of a project by name, each fault told with its line and column. */
import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { didYouMean, errorText, type MicrorunError, usageError } from "../errors.ts";
import { readYamlTree, yamlPlace } from "../yaml.ts";
import type { Project, ReadModuleText, ServicePlan } from "./dev.ts";
import { choice, fields, integer, listOf, mapOf, type Path, text, type Wrong } from "./shape.ts";

/** Aliases counted as all that they stand for. */
const maxValues = 10_000;
const maxDepth = 16;
export const maxServices = 100;
const maxReplicas = 20;
const maxPort = 65_535;

const serviceShape = fields({
  module: text,
  command: (value, path, wrong) =>
    // a text is for the shell, a list is taken as it is
    Array.isArray(value) ? listOf(text)(value, path, wrong) : ["/bin/sh", "-c", text(value, path, wrong)],
  cwd: text,
  port: integer(0, maxPort),
  env: mapOf(text),
  flags: mapOf(listOf(text)),
  args: listOf(text),
  dependsOn: listOf(text),
  replicas: integer(1, maxReplicas),
  watch: listOf(text),
});

const projectShape = fields({
  registry: choice(["local", "mdns"]),
  env: mapOf(text),
  services: mapOf(serviceShape),
});

/** Flags that say what other keys say. */
const keyOfFlag: Readonly<Record<string, string>> = {
  server_address: "port",
  server_name: "the service's key",
  watch: "nothing: a module is always watched",
  registry: "registry, beside services",
};

type Said = ReturnType<typeof serviceShape>;

/** @throws MicrorunError `invalid_argument` with file, line and column */
export async function readProjectFile(file: string, readModule: ReadModuleText): Promise<Project> {
  const source = await readFile(file, "utf8").catch((error) => {
    throw usageError(`cannot read ${file}: ${errorText(error)}`, "name a folder, or a file that is there");
  });
  const name = basename(file);
  const wrong = ({ path, why, hint, key }: Wrong): MicrorunError => {
    const { line, column } = yamlPlace(source, path, key === true);
    return usageError(`${name} line ${line}, column ${column}: ${why}`, hint);
  };
  const tree = readYamlTree(source, {
    ...{ maxValues, maxDepth },
    fault: (why, line, column) =>
      usageError(`${name} line ${line}, column ${column}: ${why}`, "mend the line"),
  });
  const { registry, env = {}, services } = projectShape(tree, [], wrong);
  if (services === undefined || Object.keys(services).length === 0)
    throw usageError(`${name}: no services`, "name one:  services: { greeter: { module: ./greeter.ts } }");
  if (Object.keys(services).length > maxServices)
    throw usageError(`${name}: more than ${maxServices} services`, "run them in several projects");

  const folder = dirname(resolve(file));
  const names = Object.keys(services);
  const ports = new Map<number, string>();
  const plans: ServicePlan[] = [];
  for (const [service, said] of Object.entries(services)) {
    const at: Path = ["services", service];
    checkService(service, said, { at, names, ports, wrong });
    const { module, command, port } = said;
    if (module !== undefined && !isFile(resolve(folder, module)))
      throw wrong({ path: [...at, "module"], why: `no such file: ${module}`, hint: "name a handler module" });
    const opensPort =
      module !== undefined && !readModule(await readFile(resolve(folder, module), "utf8")).isFunction;
    plans.push({
      name: service,
      ...(module === undefined ? {} : { module: /^[./]/.test(module) ? module : `./${module}` }),
      ...(command === undefined ? {} : { command }),
      serverName: service,
      cwd: resolve(folder, said.cwd ?? "."),
      ...(port !== undefined ? { port } : opensPort ? { port: 0 } : {}),
      env: { ...env, ...said.env },
      flags: Object.entries(said.flags ?? {}).flatMap(([flag, values]) =>
        values.map((value) => `--${flag}=${value}`),
      ),
      args: said.args ?? [],
      dependsOn: said.dependsOn ?? [],
      replicas: said.replicas ?? 1,
      watch: (said.watch ?? []).map((path) => resolve(folder, path)),
    });
  }
  return {
    folder,
    ...(registry === undefined ? {} : { registry }),
    services: plans,
    skipped: [],
    sources: [resolve(file)],
  };
}

interface Checking {
  readonly at: Path;
  readonly names: readonly string[];
  /** Those that were asked for, and by whom. */
  readonly ports: Map<number, string>;
  readonly wrong: (what: Wrong) => MicrorunError;
}

/** What no single value shows. */
function checkService(name: string, said: Said, { at, names, ports, wrong }: Checking): void {
  const fault = (key: Path, why: string, hint: string): MicrorunError =>
    wrong({ path: [...at, ...key], why, hint, ...(key.length === 0 ? { key: true } : {}) });
  if (!/^[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?$/.test(name))
    throw fault([], `${name}: not a name`, "use letters, digits, dots and dashes");
  const { module, command, flags = {}, args, port = 0, replicas = 1 } = said;
  if (module === undefined && command === undefined)
    throw fault([], `${name}: nothing to run`, "give it a module or a command");
  if (module !== undefined && command !== undefined)
    throw fault(["command"], `${name}: has a module and a command`, "leave one of them out");
  if (command !== undefined && (said.flags ?? args) !== undefined)
    throw fault(
      [flags === said.flags ? "flags" : "args"],
      `${name}: of a module alone`,
      "write them in the command",
    );
  if (module !== undefined && said.cwd !== undefined)
    throw fault(["cwd"], `${name}: of a command alone`, "leave it out");
  for (const flag of Object.keys(flags)) {
    const key = keyOfFlag[flag.replaceAll("-", "_")];
    if (key !== undefined) throw fault(["flags", flag], `${flag}: not a flag here`, `say it by ${key}`);
  }
  said.dependsOn?.forEach((other, i) => {
    if (!names.includes(other))
      throw fault(
        ["dependsOn", i],
        `no service ${other}${didYouMean(other, names)}`,
        `use ${names.join(", ")}`,
      );
  });
  for (let own = port; port > 0 && own < port + replicas; own++) {
    const taken = ports.get(own);
    if (taken !== undefined || own > maxPort)
      throw fault(
        ["port"],
        `port ${own}: ${taken === undefined ? "not a port" : `is ${taken}'s`}`,
        "choose another",
      );
    ports.set(own, name);
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
