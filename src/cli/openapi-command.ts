/** What help says of `microrun openapi`, and which flags it takes: of a run those that name the service, and its own. */
import type { Command } from "./command/command.ts";
import { openapiFlags } from "./flags/openapi-flags.ts";
import { serviceFlags } from "./flags/run-flags.ts";

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
