/** `microrun dashboard` on the command line: its flags, and what help says of it. */
import type { Command } from "./command.ts";
import { clientFlags, portFlags } from "./run-flags.ts";
import { discoveryGroup, registryGroup } from "./tool-flags.ts";

export const dashboardFlags = {
  address: {
    type: "address",
    variable: "MICRO_DASHBOARD_ADDRESS",
    about: "Where the dashboard is served; beyond this machine it demands a token.",
    example: "127.0.0.1:9000",
    default: "127.0.0.1:8082",
  },
  token: {
    type: "text",
    variable: "MICRO_DASHBOARD_TOKEN",
    about: "What everyone has to bring who opens the dashboard.",
    example: "$(openssl rand -hex 24)",
    otherwise: "none on loopback, else one that is made up and printed",
  },
  open: {
    type: "boolean",
    variable: false,
    about: "Open it in a browser.",
    example: "true",
  },
} as const;

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
