/** The flags of `microrun dashboard`. */

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
