/** The commands that ask a service about itself, each of its instances: `stats`, `health` and `logs`; and their flags. */
import type { Command } from "./command.ts";
import type { FlagGroup } from "./flags.ts";
import { clientFlags, logFlags } from "./run-flags.ts";
import { healthFlags, registryGroup } from "./tool-flags.ts";

export const askFlags = {
  address: {
    type: "address",
    variable: false,
    about: "The one instance to ask.",
    example: "localhost:8080",
    otherwise: "all that the registry knows",
  },
  timeout: {
    type: "duration",
    variable: false,
    about: "How long each instance may take to answer.",
    example: "1s",
    default: "5s",
    min: 1,
  },
} as const;

export const statsFlags = {
  output: {
    type: "choice",
    of: ["json", "yaml", "wide"],
    variable: false,
    about: "How the answer is written; wide: requests and errors too.",
    example: "json",
    otherwise: "as Go Micro's tool writes it",
  },
} as const;

export const reportFlags = {
  output: { ...statsFlags.output, of: ["json", "yaml"], about: "How the answer is written." },
} as const;

export const logsFlags = {
  follow: {
    type: "boolean",
    variable: false,
    about: "Go on with what is logged from now on, instances that come later too, until Ctrl-C.",
    example: "true",
  },
  since: {
    type: "duration",
    variable: false,
    about: "How far to go back.",
    example: "10m",
    otherwise: "all that the instances keep",
  },
  count: {
    type: "integer",
    variable: false,
    about: "The last so many lines of each instance.",
    example: "100",
    otherwise: "all that the instances keep",
    min: 1,
  },
  output: {
    type: "choice",
    of: ["json"],
    variable: false,
    about: "How a line is written; json: one object.",
    example: "json",
    otherwise: "time, instance, level and message",
  },
} as const;

/** How an instance is found and asked. */
const askGroup: FlagGroup = {
  title: "Instances:",
  flags: {
    ...askFlags,
    client_tls_ca: clientFlags.client_tls_ca,
    client_tls_cert: clientFlags.client_tls_cert,
    client_tls_key: clientFlags.client_tls_key,
  },
};

export const debugCommands: readonly Command[] = [
  {
    name: "stats",
    words: "<service>",
    about: "Print since when each instance of a service runs, and what it uses",
    groups: [{ title: "Stats:", flags: statsFlags }, askGroup, registryGroup],
    examples: [
      ["microrun stats greeter", "as micro stats prints it"],
      ["microrun stats greeter --output=json", "requests and errors too"],
    ],
    most: 2,
    load: () => import("./stats.ts"),
  },
  {
    name: "health",
    words: "[service]",
    about:
      "Ask each instance of a service for its health; without a service be the sidecar that answers /health",
    groups: [
      { title: "Health:", flags: reportFlags },
      askGroup,
      registryGroup,
      { title: "Sidecar:", flags: healthFlags },
      { title: "Log:", flags: logFlags },
    ],
    examples: [
      ["microrun health greeter", "as micro health prints it; exit 1 unless all are ok"],
      [
        "microrun health --server_name=greeter --server_address=localhost:9091",
        "the sidecar: GET 127.0.0.1:8080/health asks it",
      ],
    ],
    most: 2,
    load: () => import("./health.ts"),
  },
  {
    name: "logs",
    words: "<service>",
    about: "Print the last log lines of each instance of a service, in the order of their times",
    groups: [{ title: "Logs:", flags: logsFlags }, askGroup, registryGroup],
    examples: [
      ["microrun logs greeter --since=10m", "what its instances keep of the last ten minutes"],
      ["microrun logs greeter --follow --count=10", "and on, until Ctrl-C"],
    ],
    most: 2,
    load: () => import("./logs.ts"),
  },
];
