/** `microrun dev` on the command line: its flags, and what help says of it. */
import type { Command } from "./command.ts";

export const devFlags = {
  only: {
    type: "list",
    variable: false,
    about: "The services to run, and what they depend on.",
    example: "user,mail",
    otherwise: "all",
  },
  port_base: {
    type: "integer",
    variable: false,
    about: "The first of the ports that are given out; those in use are left out.",
    example: "9000",
    otherwise: "any free ports",
    min: 1,
  },
  registry: {
    type: "choice",
    of: ["local", "mdns"],
    variable: false,
    about:
      "How the services find each other: local, seen by this run alone, or mdns, which Go services speak.",
    example: "mdns",
    otherwise: "what microrun.yaml says, else local",
  },
  dashboard: {
    type: "boolean",
    variable: false,
    about: "Serve the dashboard beside the services.",
    example: "false",
    default: "true",
  },
  dashboard_address: {
    type: "address",
    variable: false,
    about: "Where the dashboard is served; beyond this machine it demands a token.",
    example: "127.0.0.1:9000",
    otherwise: "127.0.0.1:8082, or a free port when that is busy",
  },
  log_level: {
    type: "choice",
    of: ["debug", "info", "warn", "error"],
    variable: false,
    about: "The least important lines that the modules write.",
    example: "debug",
    otherwise: "MICRO_LOG_LEVEL, else info",
  },
} as const;

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
