/** `microrun dashboard` on the command line: what help says of it. */
import type { Command } from "../command/command.ts";
import { dashboardFlags } from "../flags/dashboard-flags.ts";
import { clientFlags, portFlags } from "../flags/run-flags.ts";
import { discoveryGroup, registryGroup } from "../flags/tool-flags.ts";

export const dashboardCommand: Command = {
  name: "dashboard",
  words: "",
  about: "Look at services, call and watch them, in a browser",
  groups: [
    { title: "Dashboard:", flags: dashboardFlags },
    { title: "Discovery:", flags: { ...discoveryGroup.flags, ...registryGroup.flags } },
    {
      title: "Calls:",
      flags: {
        max_message_bytes: portFlags.max_message_bytes,
        client_tls_ca: clientFlags.client_tls_ca,
        client_tls_cert: clientFlags.client_tls_cert,
        client_tls_key: clientFlags.client_tls_key,
      },
    },
  ],
  examples: [
    ["microrun dashboard --open", "the services of this machine"],
    [
      "microrun dashboard --registry=kubernetes --kubernetes_namespace=shop",
      "those of a cluster, by its kubeconfig",
    ],
  ],
  most: 0,
  load: () => import("./dashboard.ts"),
};
