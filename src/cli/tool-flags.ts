/** The flags of the commands beside `run`. */

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
    default: "5s",
    min: 1,
  },
  selector: {
    type: "choice",
    of: "selector",
    about: "How the address is found without --address.",
    example: "static",
    default: "static",
  },
  tls_ca: {
    type: "text",
    about: "Call by TLS; who must have signed the server's certificate, a PEM file.",
    example: "ca.crt",
    otherwise: "cleartext",
  },
  tls_cert: { type: "text", about: "The certificate to show (mutual TLS), a PEM file.", example: "tls.crt" },
  tls_key: { type: "text", about: "The private key of --tls_cert, a PEM file.", example: "tls.key" },
} as const;
