/** `microrun dev` on the command line. */
import type { Command } from "../command/command.ts";
import { devFlags } from "../flags/dev-flags.ts";

export const devCommand: Command = {
  name: "dev",
  words: "[folder]",
  about: "Run all services of a folder or a microrun.yaml in one terminal, and anew when they change",
  groups: [{ title: "Dev:", flags: devFlags }],
  examples: [
    ["microrun dev", "every handler module here, or what ./microrun.yaml names"],
    ["microrun dev ./shop --only=cart --port_base=9000", "some of them, on ports to remember"],
  ],
  most: 1,
  fromSource: true,
  load: () => import("./dev.ts"),
};
