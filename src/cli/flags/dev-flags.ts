/** The flags of `microrun dev`. */

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
