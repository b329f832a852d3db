/** The commands that look into the registry, and write into it. */
import type { Command } from "../command/command.ts";
import {
  deregisterGroup,
  outputFlags,
  registerGroup,
  registryGroup,
  watchFlags,
} from "../flags/tool-flags.ts";

export const registryCommands: readonly Command[] = [
  {
    name: "services",
    aliases: ["list"],
    words: "",
    about: "List the services that the registry knows",
    groups: [{ title: "Services:", flags: outputFlags }, registryGroup],
    examples: [
      ["microrun services", "names, one a line; microrun list services does the same"],
      ["microrun services --output=wide", "with versions and the number of instances"],
    ],
    // as in `list services`
    most: 1,
    load: () => import("./services.ts"),
  },
  {
    name: "get",
    words: "<service>",
    about: "Print a service's versions, instances and endpoints",
    groups: [{ title: "Get:", flags: outputFlags }, registryGroup],
    examples: [
      ["microrun get greeter", "as micro get service greeter prints it"],
      ["microrun get greeter --output=json", "Go Micro's Service, one for each version"],
    ],
    most: 2,
    load: () => import("./get.ts"),
  },
  {
    name: "watch",
    words: "<service>",
    about: "Print a line whenever an instance of a service comes, changes or goes",
    groups: [{ title: "Watch:", flags: watchFlags }, registryGroup],
    examples: [["microrun watch greeter --output=json", "one JSON object a line, until Ctrl-C"]],
    most: 2,
    load: () => import("./watch.ts"),
  },
  {
    name: "register",
    words: "<service>",
    about: "Announce a service that cannot do so itself",
    groups: [registerGroup, registryGroup],
    examples: [
      [
        `microrun register '{"name":"db","version":"1","nodes":[{"id":"db-1","address":"10.0.0.5:9090"}]}'`,
        "Go Micro's JSON of a Service",
      ],
      ["microrun get db --output=json | microrun register -", "all its versions, from stdin"],
    ],
    most: 2,
    load: async () => ({ start: (await import("./registration.ts")).register }),
  },
  {
    name: "deregister",
    words: "<service>",
    about: "Take an announcement back, whoever made it",
    groups: [deregisterGroup, registryGroup],
    examples: [
      [
        `microrun deregister '{"name":"db","version":"1","nodes":[{"id":"db-1","address":"10.0.0.5:9090"}]}'`,
        "the JSON it was registered by",
      ],
    ],
    most: 2,
    load: async () => ({ start: (await import("./registration.ts")).deregister }),
  },
];
