/** `microrun operator` on the command line: what help says of it. */
import type { Command } from "../command/command.ts";
import { clusterFlags, installFlags, operatorFlags } from "../flags/operator-flags.ts";
import { logFlags } from "../flags/run-flags.ts";

export const operatorCommand: Command = {
  name: "operator",
  words: "[manifest]",
  about: "Keep a cluster's MicroServices running, or print what installs that",
  groups: [
    { title: "Operator:", flags: operatorFlags },
    { title: "Manifest:", flags: installFlags },
    { title: "Cluster:", flags: clusterFlags },
    { title: "Log:", flags: logFlags },
  ],
  examples: [
    ["microrun operator manifest --image=registry.example/microrun:1 | kubectl apply -f -", "to install it"],
    ["microrun operator --watch_namespace=shop", "from here, by the kubeconfig"],
  ],
  most: 1,
  fromSource: true,
  load: () => import("./operator.ts"),
};
