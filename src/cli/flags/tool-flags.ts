/** The flags of the commands beside `run`. */
import { configFlags } from "./config-flags.ts";
import { discoveryFlags } from "./discovery-flags.ts";
import type { FlagGroup } from "./flags.ts";
import { clientFlags, portFlags } from "./run-flags.ts";

export const healthFlags = {
  server_name: { type: "text", about: "The name of the service to ask.", example: "greeter" },
  server_address: { type: "address", about: "The address to ask.", example: "localhost:9091" },
  health_address: {
    type: "address",
    about: "Where GET and POST /health are answered.",
    example: "0.0.0.0:8081",
    default: "127.0.0.1:8080",
  },
} as const;

export const probeFlags = {
  server_name: { type: "text", about: "The name of the service to ask.", example: "greeter" },
  server_address: { type: "address", about: "The address to ask.", example: "localhost:9091" },
  http: {
    type: "text",
    variable: false,
    about: "Ask by HTTP instead: a URL, or a path at --server_address (or 127.0.0.1:8080).",
    example: "/readyz",
    otherwise: "ask Debug.Health by gRPC",
  },
  connect_timeout: {
    type: "duration",
    about: "How long connecting may take.",
    example: "500ms",
    default: "1s",
    min: 1,
  },
  rpc_timeout: {
    type: "duration",
    about: "How long the answer may take.",
    example: "500ms",
    default: "1s",
    min: 1,
  },
  verbose: { type: "boolean", about: "Say what was asked and how long it took.", example: "true" },
} as const;

export const callFlags = {
  address: {
    type: "address",
    variable: false,
    about: "Where the service is.",
    example: "localhost:8080",
    otherwise: "where --selector finds it",
  },
  metadata: {
    type: "pairs",
    variable: false,
    about: "Metadata to send, repeatable.",
    example: "authorization='Bearer x'",
  },
  timeout: {
    type: "duration",
    variable: false,
    about: "How long the call may take.",
    example: "1s",
    otherwise: "--client_request_timeout; none for a method known to stream",
    min: 1,
  },
  proto: {
    type: "list",
    variable: false,
    about: "The .proto file that describes the service, repeatable.",
    example: "./greeter.proto",
    otherwise: "what the service tells by reflection, else JSON is sent",
  },
  stream: {
    type: "boolean",
    variable: false,
    about: "Send a stream of requests: each line of stdin is one.",
    example: "true",
  },
} as const;

export const callGroup: FlagGroup = {
  title: "Call:",
  flags: {
    ...callFlags,
    max_message_bytes: portFlags.max_message_bytes,
    client_request_timeout: clientFlags.client_request_timeout,
    client_retries: clientFlags.client_retries,
    client_tls_ca: clientFlags.client_tls_ca,
    client_tls_cert: clientFlags.client_tls_cert,
    client_tls_key: clientFlags.client_tls_key,
  },
};

/** How a service is found, as a run finds it. */
export const discoveryGroup: FlagGroup = {
  title: "Discovery:",
  flags: {
    registry: discoveryFlags.registry,
    registry_address: discoveryFlags.registry_address,
    selector: discoveryFlags.selector,
    selector_key: discoveryFlags.selector_key,
    zone: discoveryFlags.zone,
    kubeconfig: discoveryFlags.kubeconfig,
    kubernetes_context: discoveryFlags.kubernetes_context,
    kubernetes_namespace: discoveryFlags.kubernetes_namespace,
  },
};

/** Of commands that are about a registry, and so always have one. */
export const registryGroup: FlagGroup = {
  title: "Registry:",
  flags: {
    registry: { ...discoveryFlags.registry, otherwise: "local; in a cluster kubernetes" },
    registry_address: discoveryFlags.registry_address,
    kubeconfig: discoveryFlags.kubeconfig,
    kubernetes_context: discoveryFlags.kubernetes_context,
    kubernetes_namespace: discoveryFlags.kubernetes_namespace,
  },
};

export const registerGroup: FlagGroup = {
  title: "Register:",
  flags: {
    registry_format: discoveryFlags.registry_format,
    register_ttl: discoveryFlags.register_ttl,
    register_interval: discoveryFlags.register_interval,
  },
};

export const deregisterGroup: FlagGroup = {
  title: "Deregister:",
  flags: { registry_format: discoveryFlags.registry_format },
};

export const outputFlags = {
  output: {
    type: "choice",
    of: ["json", "yaml", "wide"],
    variable: false,
    about: "How the answer is written.",
    example: "json",
    otherwise: "as Go Micro's tool writes it",
  },
} as const;

export const configOutputFlags = {
  output: {
    type: "choice",
    of: ["text", "json", "yaml"],
    variable: false,
    about: "How the configuration is written; of check and watch text or json.",
    example: "json",
    default: "text",
  },
} as const;

export const watchFlags = {
  output: {
    type: "choice",
    of: ["json"],
    variable: false,
    about: "How a change is written; json: one object a line.",
    example: "json",
    otherwise: "time, what happened, id, address and version",
  },
} as const;

export const rbacFlags = {
  service_account: {
    type: "text",
    variable: false,
    about: "The service account that gets the permissions.",
    example: "greeter",
    default: "default",
  },
  namespace: {
    type: "text",
    variable: false,
    about: "The namespace of the service account, and of the service itself.",
    example: "team-a",
    default: "default",
  },
} as const;

/** The flags of a run that decide about permissions, as a run in a cluster reads them. */
export const rbacGroup: FlagGroup = {
  title: "Permissions:",
  flags: {
    registry: discoveryFlags.registry,
    selector: discoveryFlags.selector,
    selector_key: discoveryFlags.selector_key,
    register: discoveryFlags.register,
    kubernetes_namespace: discoveryFlags.kubernetes_namespace,
    config: {
      ...configFlags.config,
      otherwise: "none: that a cluster's usual one may be read is not needed",
    },
    ...rbacFlags,
  },
};
