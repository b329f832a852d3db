/** What help says of `microrun doctor`, and which flags it takes: those of a run, and its own. */
import type { Command } from "../command/command.ts";
import { doctorFlags } from "../flags/doctor-flags.ts";
import { runGroups } from "../flags/run-flags.ts";

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
