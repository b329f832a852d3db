/** docs/flags.md, made from the tables. */

import { ownKeys } from "./command/configured.ts";
import { commands } from "./commands.ts";
import { choicesOf, defaultText, type Flag, type FlagGroup, variableOf } from "./flags/flags.ts";
import { foreignFlags } from "./flags/foreign-flags.ts";

/** Variables that no flag stands for. */
const variables: readonly (readonly [name: string, meaning: string])[] = [
  ["STATIC_SELECTOR_DOMAIN_NAME", "appended to a service's name, with a dot, by `--selector=static`"],
  ["STATIC_SELECTOR_PORT_NUMBER", "the port that `--selector=static` calls; default `8080`"],
  ["KUBERNETES_SERVICE_HOST", "set by Kubernetes: the defaults are those of a cluster"],
  ["NO_COLOR", "no colours, whatever stderr is"],
  ["FORCE_COLOR", "colours, whatever stderr is; `0`: none"],
];

export function flagReference(): string {
  const [run, ...tools] = commands;
  // several commands share a group: its flags are shown once
  const shown = new Map<FlagGroup, string>();
  const section = (group: FlagGroup, command: string): string => {
    const first = shown.get(group);
    if (first !== undefined) return `${heading(group)}\n\nThose of \`microrun ${first}\`.`;
    shown.set(group, command);
    return table(group);
  };
  return `${[
    "# Flags and variables",
    "Made from the tables in src/cli by `npm run docs`.",
    rules,
    `## microrun run`,
    ...run!.groups.map((group) => section(group, "run")),
    ...tools.flatMap(({ name, about, groups }) =>
      groups.length === 0
        ? []
        : [`## microrun ${name}`, `${about}.`, ...groups.map((group) => section(group, name))],
    ),
    "## Settings in configuration",
    "Each stands for a flag, and holds where neither that nor its variable is given: [config.md](config.md).",
    rows(
      ["key", "flag", "changes while the service runs"],
      ownKeys.map(({ key, flag, live }) => [code(key), code(`--${flag}`), live ? "yes" : "no: at a restart"]),
    ),
    "## Variables without a flag",
    rows(
      ["variable", "meaning"],
      variables.map(([name, meaning]) => [code(name), meaning]),
    ),
    "## Flags of Go Micro without a meaning here",
    "Each, and all that begin with its name (`--store_address`), ends with exit code 2 and this order.",
    rows(
      ["flag", "instead"],
      Object.entries(foreignFlags).map(([name, order]) => [code(`--${name}`), order]),
    ),
  ].join("\n\n")}\n`;
}

const rules = `- A flag beats its variable, that beats configuration, that beats what the module exports, that beats the default. An empty variable counts as unset.
- \`--server_address=:9090\`, \`--server_address :9090\` and \`--server-address=:9090\` are alike; \`--no-watch\` turns a switch off.
- What follows \`--\` is the module's own: \`context.args\`.
- Durations are written \`5s\`, \`100ms\`, \`1m30s\`; sizes \`4MiB\`, \`1MB\`, \`4096\`; addresses \`host:port\`, \`:port\`, \`unix:/path\`.
- Exit codes: 0 well, 1 failed, 2 asked wrongly.`;

function heading({ title }: FlagGroup): string {
  return `### ${title.replace(/:$/, "")}`;
}

function table(group: FlagGroup): string {
  const lines = Object.entries(group.flags).map(([name, flag]) => [
    [...(flag.short === undefined ? [] : [`-${flag.short}`]), `--${name}`].map(code).join(", "),
    code(variableOf(name, flag) ?? ""),
    defaultCell(flag),
    meaning(flag),
    code(`--${name}=${flag.example}`),
  ]);
  return `${heading(group)}\n\n${rows(["flag", "variable", "default", "meaning", "example"], lines)}`;
}

function meaning(flag: Flag): string {
  const choices = choicesOf(flag);
  return choices.length === 0 ? flag.about : `${flag.about} One of ${choices.map(code).join(", ")}.`;
}

function defaultCell(flag: Flag): string {
  const { default: fixed, inCluster } = flag;
  if (fixed === undefined) return defaultText(flag);
  return `${code(fixed)}${inCluster === undefined ? "" : `, in a cluster ${code(inCluster)}`}`;
}

function rows(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...body.map(line)].join("\n");
}

function code(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}
