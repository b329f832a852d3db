/** The flags of the commands that ask a service about itself, each of its instances: `stats`, `health` and `logs`. */
import type { FlagGroup } from "./flags.ts";
import { clientFlags } from "./run-flags.ts";

export const askFlags = {
  address: {
    type: "address",
    variable: false,
    about: "The one instance to ask.",
    example: "localhost:8080",
    otherwise: "all that the registry knows",
  },
  timeout: {
    type: "duration",
    variable: false,
    about: "How long each instance may take to answer.",
    example: "1s",
    default: "5s",
    min: 1,
  },
} as const;

export const statsFlags = {
  output: {
    type: "choice",
    of: ["json", "yaml", "wide"],
    variable: false,
    about: "How the answer is written; wide: requests and errors too.",
    example: "json",
    otherwise: "as Go Micro's tool writes it",
  },
} as const;

export const reportFlags = {
  output: {
    type: "choice",
    of: ["json", "yaml"],
    variable: false,
    about: "How the answer is written.",
    example: "json",
    otherwise: "as Go Micro's tool writes it",
  },
} as const;

export const logsFlags = {
  follow: {
    type: "boolean",
    variable: false,
    about: "Go on with what is logged from now on, instances that come later too, until Ctrl-C.",
    example: "true",
  },
  since: {
    type: "duration",
    variable: false,
    about: "How far to go back.",
    example: "10m",
    otherwise: "all that the instances keep",
  },
  count: {
    type: "integer",
    variable: false,
    about: "The last so many lines of each instance.",
    example: "100",
    otherwise: "all that the instances keep",
    min: 1,
  },
  output: {
    type: "choice",
    of: ["json"],
    variable: false,
    about: "How a line is written; json: one object.",
    example: "json",
    otherwise: "time, instance, level and message",
  },
} as const;

/** How an instance is found and asked. */
export const askGroup: FlagGroup = {
  title: "Instances:",
  flags: {
    ...askFlags,
    client_tls_ca: clientFlags.client_tls_ca,
    client_tls_cert: clientFlags.client_tls_cert,
    client_tls_key: clientFlags.client_tls_key,
  },
};
