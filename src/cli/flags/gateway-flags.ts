/** The flags of `microrun gateway` and `microrun proxy`; address and namespace bear the names of Go Micro's tool. */
import type { FlagGroup } from "./flags.ts";
import { limitFlags } from "./limit-flags.ts";
import { clientFlags, lifeFlags, logFlags, portFlags } from "./run-flags.ts";
import { servingFlags } from "./serving-flags.ts";
import { discoveryGroup } from "./tool-flags.ts";

export const gatewayFlags = {
  address: {
    type: "address",
    variable: "MICRO_API_ADDRESS",
    about: "Where requests are taken.",
    example: "127.0.0.1:9090",
    default: ":8080",
  },
  namespace: {
    type: "text",
    variable: "MICRO_API_NAMESPACE",
    about: "Put before the name of each service that a path names, with a dot.",
    example: "go.micro.api",
    otherwise: "none",
  },
  services: {
    type: "list",
    variable: "MICRO_API_SERVICES",
    about: "The only services that may be called by path, namespace included, repeatable.",
    example: "greeter,shop",
    otherwise: "all that are found",
  },
  route: {
    type: "pairs",
    variable: "MICRO_API_ROUTE",
    about: "A host or path prefix whose requests go to a web service, whole; repeatable.",
    example: "/shop=web,www.example.com=site",
  },
  rpc_address: {
    type: "boolean",
    variable: "MICRO_API_RPC_ADDRESS",
    about: "Callers of /rpc may name the address to call: any that this process can reach.",
    example: "true",
  },
  max_upload_bytes: {
    type: "size",
    variable: "MICRO_API_MAX_UPLOAD_BYTES",
    about: "The largest request that is passed through to a web service.",
    example: "1GiB",
    default: "128MiB",
    min: 1,
  },
  upstream_timeout: {
    type: "duration",
    variable: "MICRO_API_UPSTREAM_TIMEOUT",
    about: "How long a web service may take to begin its answer.",
    example: "5s",
    default: "30s",
    min: 1,
  },
  proxy_hops: {
    type: "integer",
    variable: "MICRO_API_PROXY_HOPS",
    about: "How many proxies stand before it whose x-forwarded-* fields are to be believed.",
    example: "1",
    default: "0",
  },
  compress: {
    type: "boolean",
    variable: "MICRO_API_COMPRESS",
    about: "Pack large replies of calls with gzip for those who take it.",
    example: "true",
  },
  access_log: {
    type: "boolean",
    variable: "MICRO_API_ACCESS_LOG",
    about: "Write a line for each request.",
    example: "false",
    default: "true",
  },
} as const;

export const jwtFlags = {
  jwt_secret_file: {
    type: "text",
    about: "Requests need a token (JWT) signed with the secret in this file: HS256, HS384 or HS512.",
    example: "/run/secrets/jwt",
  },
  jwt_public_key: {
    type: "text",
    about: "The same, signed by the owner of this public key, a PEM file.",
    example: "issuer.pem",
  },
  jwt_jwks_url: {
    type: "text",
    about: "The same, signed by one of the keys published at this URL.",
    example: "https://issuer.example/.well-known/jwks.json",
  },
  jwt_issuer: { type: "text", about: "Who must have issued it.", example: "https://issuer.example" },
  jwt_audience: { type: "list", about: "Whom it must be for, one of these, repeatable.", example: "shop" },
  jwt_except: {
    type: "list",
    about: "Paths that need no token, with all below them, repeatable.",
    example: "/account/login",
    otherwise: "none but those of health",
  },
} as const;

export const rateFlags = {
  rate_limit: {
    type: "integer",
    about: "How many requests each caller may send in --rate_window.",
    example: "100",
    otherwise: "as many as it likes",
    min: 1,
  },
  rate_window: {
    type: "duration",
    about: "What --rate_limit is counted in.",
    example: "1m",
    default: "1s",
    min: 1,
  },
  rate_burst: {
    type: "integer",
    about: "How many it may send at once.",
    example: "20",
    otherwise: "--rate_limit",
    min: 1,
  },
  rate_key: {
    type: "text",
    about: "What a caller is told by: ip, header:NAME or claim:NAME; who has none is told by its address.",
    example: "claim:sub",
    default: "ip",
  },
} as const;

export const proxyFlags = {
  address: {
    type: "address",
    variable: "MICRO_PROXY_ADDRESS",
    about: "Where calls are taken.",
    example: "127.0.0.1:9090",
    default: ":8081",
  },
  namespace: {
    type: "text",
    variable: "MICRO_PROXY_NAMESPACE",
    about: "Put before the name of each service that a call names, with a dot.",
    example: "go.micro.srv",
    otherwise: "none",
  },
  domain: {
    type: "text",
    variable: "MICRO_PROXY_DOMAIN",
    about: "A call of a host below it is for the service of that name: greeter.svc.example.",
    example: "svc.example",
    otherwise: "hosts name no service",
  },
  route: {
    type: "pairs",
    variable: "MICRO_PROXY_ROUTE",
    about: "The service behind a package, or behind a gRPC service; repeatable.",
    example: "shop.cart.v1=cart",
    otherwise: "the package's name, else the gRPC service's in lower case",
  },
} as const;

const { tls_cert, tls_key, tls_ca, max_message_bytes } = portFlags;
const { cors_origins, cors_methods, cors_headers } = servingFlags;
const { drain_delay, drain_timeout, health_timeout } = lifeFlags;
const { client: _, ...callFlags } = clientFlags;

const port: FlagGroup = {
  title: "Port:",
  flags: { tls_cert, tls_key, tls_ca, max_message_bytes, ...limitFlags },
};
const calls: FlagGroup = { title: "Calls to services:", flags: callFlags };
const life: FlagGroup = {
  title: "Life:",
  flags: { drain_delay, drain_timeout, health_timeout, ...logFlags },
};

export const gatewayGroups: readonly FlagGroup[] = [
  { title: "Gateway:", flags: gatewayFlags },
  { title: "Tokens:", flags: jwtFlags },
  { title: "Rates:", flags: rateFlags },
  { title: "Pages of other origins:", flags: { cors_origins, cors_methods, cors_headers } },
  port,
  calls,
  discoveryGroup,
  life,
];

export const proxyGroups: readonly FlagGroup[] = [
  { title: "Proxy:", flags: proxyFlags },
  port,
  calls,
  discoveryGroup,
  life,
];
