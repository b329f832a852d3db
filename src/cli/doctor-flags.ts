/** `microrun doctor` on the command line: its flags, and what help says of it. */
import type { Command } from "./command.ts";
import { runGroups } from "./run-flags.ts";

export const doctorFlags = {
  output: {
    type: "choice",
    of: ["text", "json"],
    variable: false,
    about: "How what was found is written; json: an array of check, status, what, todo and yaml.",
    example: "json",
    default: "text",
  },
  calls: {
    type: "list",
    variable: false,
    about:
      "Services that must be found and reached; those whose names stand in the module are looked for, too.",
    example: "user,mail",
  },
  service_account: {
    type: "text",
    variable: false,
    about: "The service account whose permissions are looked at, in the context's namespace.",
    example: "greeter",
    otherwise: "our own permissions",
  },
} as const;

export const doctorCommand: Command = {
  name: "doctor",
  words: "[module]",
  about: "Tell what would stop a service here: its module, its place, its cluster; exit 1 if anything would",
  // the command line of a run as it is
  groups: [{ title: "Doctor:", flags: doctorFlags }, ...runGroups],
  examples: [
    ["microrun doctor ./greeter.ts", "on this machine"],
    ["microrun doctor ./greeter.ts --registry=kubernetes --service_account=greeter", "before it is deployed"],
    ["microrun doctor --output=json", "for programs"],
  ],
  most: 1,
  load: () => import("./doctor.ts"),
};
