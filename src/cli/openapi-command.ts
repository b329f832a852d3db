/** The command that describes a module, and its flags. */
import type { Command } from "./command.ts";
import { serviceFlags } from "./run-flags.ts";

export const openapiFlags = {
  output: {
    type: "choice",
    of: ["json", "yaml"],
    variable: false,
    about: "How the description is written.",
    example: "yaml",
    default: "json",
  },
} as const;

const { server_name, server_version, proto } = serviceFlags;

export const openapiCommand: Command = {
  name: "openapi",
  words: "<module>",
  about: "Print the OpenAPI 3.1 description of a module's REST and JSON calls",
  groups: [
    { title: "OpenAPI:", flags: openapiFlags },
    { title: "Service:", flags: { server_name, server_version, proto } },
  ],
  examples: [["microrun openapi ./greeter.ts > openapi.json", "what it serves as /openapi.json"]],
  most: 1,
  fromSource: true,
  load: () => import("./openapi.ts"),
};
