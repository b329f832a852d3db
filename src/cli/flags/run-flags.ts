/** The flags of `microrun run`: Go Micro's own where they have a meaning here, and ours. */
import { configFlags } from "./config-flags.ts";
import { discoveryFlags } from "./discovery-flags.ts";
import type { FlagGroup } from "./flags.ts";
import { inspectFlags } from "./inspect-flags.ts";
import { limitFlags } from "./limit-flags.ts";
import { servingFlags } from "./serving-flags.ts";

export const serviceFlags = {
  server_name: {
    type: "text",
    about: "The name others call the service by.",
    example: "greeter",
    otherwise: "the module's `name`, else its file name",
  },
  server_version: {
    type: "text",
    about: "The version told to the registry.",
    example: "1.2.3",
    otherwise: "the module's `version`, else latest",
  },
  server_id: {
    type: "text",
    about: "The id of this instance.",
    example: "greeter-1",
    otherwise: "the name and a UUID",
  },
  server_metadata: {
    type: "pairs",
    about: "Metadata of this instance for the registry, repeatable.",
    example: "zone=eu-1",
  },
  proto: {
    type: "list",
    about: "The .proto file that describes the service, repeatable.",
    example: "./greeter.proto",
    otherwise: "the module's `proto`, else the .proto beside it",
  },
  workers: {
    type: "count",
    about:
      "How many processes serve the module on the same ports, under one parent; auto: one for each core.",
    example: "auto",
    default: "1",
    min: 1,
  },
  watch: {
    type: "boolean",
    about: "Start anew whenever the module, or a file it imports, changes.",
    example: "true",
    fromSource: true,
  },
} as const;

export const portFlags = {
  server_address: {
    type: "address",
    about: "Where gRPC, JSON, web and health are served together.",
    example: "127.0.0.1:9090",
    otherwise: ":8080, or a free port when that is busy outside a cluster",
  },
  server_advertise: {
    type: "address",
    about: "The address told to the registry, where others reach the service.",
    example: "greeter.example:8080",
    otherwise: "the address it listens on",
  },
  grpc_address: {
    type: "address",
    about: "A port of its own for gRPC.",
    example: ":9000",
    otherwise: "--server_address",
  },
  http_address: {
    type: "address",
    about: "A port of its own for JSON and web, served by the host's fastest HTTP server unless it has TLS.",
    example: ":8000",
    otherwise: "--server_address",
  },
  health_address: {
    type: "address",
    about:
      "One more port that answers health probes alone, always in cleartext: probes bring no certificate.",
    example: ":8081",
    otherwise: "no port of its own",
  },
  tls_cert: {
    type: "text",
    about: "The certificate chain to serve with, a PEM file; it and its like are read anew when they change.",
    example: "tls.crt",
  },
  tls_key: { type: "text", about: "The private key of --tls_cert, a PEM file.", example: "tls.key" },
  tls_ca: {
    type: "text",
    about: "Who must have signed the certificates of clients (mutual TLS), a PEM file.",
    example: "ca.crt",
  },
  max_message_bytes: {
    type: "size",
    about: "The largest message or body taken or sent; what a module's own fetch takes is not bounded by it.",
    example: "16MiB",
    default: "4MiB",
    min: 1,
  },
} as const;

export const clientFlags = {
  client_request_timeout: {
    type: "duration",
    about: "How long a call to another service may take.",
    example: "2s",
    default: "5s",
    min: 1,
  },
  client_retries: {
    type: "integer",
    about: "More tries after a failed call, where repeating it is safe.",
    example: "3",
    default: "1",
  },
  client_pool_size: {
    type: "integer",
    about: "The most connections kept to other services.",
    example: "20",
    default: "100",
    min: 1,
  },
  client_pool_ttl: {
    type: "duration",
    about: "How long a connection is used before a new one takes its place.",
    example: "30s",
    default: "1m",
    min: 1,
  },
  client_tls_ca: {
    type: "text",
    about: "Call others by TLS; who must have signed their certificates, a PEM file.",
    example: "ca.crt",
    otherwise: "cleartext",
  },
  client_tls_cert: {
    type: "text",
    about: "The certificate to show to others (mutual TLS), a PEM file.",
    example: "tls.crt",
  },
  client_tls_key: {
    type: "text",
    about: "The private key of --client_tls_cert, a PEM file.",
    example: "tls.key",
  },
  client_keepalive_time: {
    type: "duration",
    about:
      "How long a connection to another service may be silent before it is asked whether it lives; 0: it never is.",
    example: "10m",
    default: "5m",
  },
  client_keepalive_timeout: {
    type: "duration",
    about: "How long the other service may take to answer that before the connection is cut.",
    example: "10s",
    default: "20s",
    min: 1,
  },
  client_compression: {
    type: "choice",
    of: ["none", "gzip"],
    about:
      "How requests are packed that are worth it; the service that is called must read it, as grpc-go does.",
    example: "gzip",
    default: "none",
  },
  client: {
    type: "choice",
    of: ["grpc"],
    compatible: true,
    about: "Taken for compatibility.",
    example: "grpc",
    default: "grpc",
  },
} as const;

export const brokerFlags = {
  broker: {
    type: "choice",
    of: "broker",
    about:
      "What carries events: memory within this process, http to subscribers of the registry, or a NATS server.",
    example: "nats",
    default: "http",
  },
  broker_address: {
    type: "addresses",
    about:
      "Where http listens for events; the servers of nats, separated by commas, ?jetstream=STREAM for at-least-once.",
    example: "nats://10.0.0.1:4222",
    otherwise: "of http 127.0.0.1:0 (in a cluster :10001), of nats nats://127.0.0.1:4222",
  },
} as const;

export const transportFlags = {
  transport: {
    type: "choice",
    of: "transport",
    about: "What carries calls: grpc, on microrun's own HTTP/2 engine, or the same on grpc-js.",
    example: "grpc",
    default: "grpc",
  },
  server: {
    type: "choice",
    of: ["grpc"],
    compatible: true,
    about: "Taken for compatibility.",
    example: "grpc",
    default: "grpc",
  },
} as const;

export const lifeFlags = {
  start_timeout: {
    type: "duration",
    about: "How long loading the module, and its own `start`, may each take.",
    example: "1m",
    default: "30s",
    min: 1,
  },
  drain_delay: {
    type: "duration",
    about: "How long a stopping service goes on taking calls, so that others learn of it first.",
    example: "3s",
    default: "0s",
    inCluster: "5s",
  },
  drain_timeout: {
    type: "duration",
    about: "How long a stop waits for calls under way before it aborts them.",
    example: "25s",
    default: "10s",
  },
  health_timeout: {
    type: "duration",
    about: "How long one health check may take.",
    example: "500ms",
    default: "1s",
    min: 1,
  },
} as const;

export const logFlags = {
  log_level: {
    type: "choice",
    of: ["debug", "info", "warn", "error"],
    about: "The least important lines to write.",
    example: "debug",
    default: "info",
  },
  log_format: {
    type: "choice",
    of: ["text", "json"],
    about: "How a line is written, to stderr.",
    example: "json",
    otherwise: "text on a terminal, else json",
  },
} as const;

export const runGroups: readonly FlagGroup[] = [
  { title: "Service:", flags: serviceFlags },
  { title: "Ports:", flags: portFlags },
  { title: "Configuration:", flags: configFlags },
  { title: "Calls served:", flags: servingFlags },
  { title: "Limits:", flags: limitFlags },
  { title: "Calls to others:", flags: clientFlags },
  { title: "Discovery:", flags: discoveryFlags },
  { title: "Events:", flags: brokerFlags },
  { title: "Transport:", flags: transportFlags },
  { title: "Life:", flags: lifeFlags },
  { title: "Log:", flags: logFlags },
  { title: "Dashboard:", flags: inspectFlags },
];
