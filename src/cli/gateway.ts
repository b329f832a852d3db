/** `microrun gateway`: its flags read and checked, then it runs. */
import { readFileSync } from "node:fs";
import { errorText, MicrorunError, usageError } from "../errors.ts";
import { type GatewaySettings, runGateway } from "../gateway.ts";
import type { Input } from "./command/command.ts";
import { readSettings } from "./command/settings.ts";
import { gatewayFlags, jwtFlags, rateFlags } from "./flags/gateway-flags.ts";
import { type Environment, type Given, readFlags } from "./flags/values.ts";

export function start(input: Input): Promise<number> {
  return runGateway(readGateway(input));
}

/** @throws MicrorunError `invalid_argument` */
export function readGateway(input: Omit<Input, "words" | "host">): GatewaySettings {
  const { given, env } = input;
  const flags = readFlags(gatewayFlags, given, env);
  const token = readToken(given, env);
  const rate = readRate(given, env);
  return {
    ...readSettings("", input),
    address: flags.address,
    namespace: flags.namespace ?? "",
    services: flags.services,
    routes: Object.entries(flags.route).map(readRoute),
    proxyHops: flags.proxy_hops,
    rpcAddress: flags.rpc_address,
    maxUploadBytes: flags.max_upload_bytes,
    upstreamTimeoutMs: flags.upstream_timeout,
    compress: flags.compress,
    accessLog: flags.access_log,
    ...(token === undefined ? {} : { token }),
    ...(rate === undefined ? {} : { rate }),
  };
}

/** `www.example.com`, `/shop`, or both together. */
function readRoute([place, service]: readonly [string, string]): GatewaySettings["routes"][number] {
  const [, host = "", path = ""] = /^([a-z\d.-]*?)\.?(\/\S*)?$/i.exec(place) ?? [];
  const prefix = path.replace(/\/+$/, "");
  if ((host === "" && path === "") || service === "" || /[?#%*\\]|\/\/|\/\.{1,2}(\/|$)/.test(path))
    throw usageError(
      `--route=${place}=${service}: not a route`,
      "write it as /shop=web, www.example.com=web or www.example.com/shop=web",
    );
  return {
    service,
    ...(host === "" ? {} : { host: host.toLowerCase() }),
    ...(prefix === "" ? {} : { prefix }),
  };
}

function readToken(given: Given, env: Environment): GatewaySettings["token"] {
  const flags = readFlags(jwtFlags, given, env);
  const { jwt_secret_file: secretFile, jwt_public_key: keyFile, jwt_jwks_url: jwksUrl } = flags;
  const signers = [secretFile, keyFile, jwksUrl].filter((one) => one !== undefined);
  const [except] = flags.jwt_except.filter((path) => !path.startsWith("/"));
  if (except !== undefined)
    throw usageError(`--jwt_except=${except}: not a path`, "write it as /account/login");
  if (signers.length > 1)
    throw usageError(
      "--jwt_*: more than one signer",
      "give one of --jwt_secret_file, --jwt_public_key and --jwt_jwks_url",
    );
  const rest = [flags.jwt_issuer, ...flags.jwt_audience, ...flags.jwt_except];
  if (signers.length === 0 && rest.some((one) => one !== undefined))
    throw usageError(
      "--jwt_*: nothing says whose tokens are taken",
      "give --jwt_secret_file, --jwt_public_key or --jwt_jwks_url",
    );
  if (signers.length === 0) return undefined;
  const jwt = {
    ...(secretFile === undefined ? {} : { secret: trimmed(readFile("jwt_secret_file", secretFile)) }),
    ...(keyFile === undefined ? {} : { publicKey: readFile("jwt_public_key", keyFile).toString("utf8") }),
    ...(jwksUrl === undefined ? {} : { jwksUrl }),
    ...(flags.jwt_issuer === undefined ? {} : { issuer: flags.jwt_issuer }),
    audience: flags.jwt_audience,
  };
  return { jwt, except: flags.jwt_except };
}

/** Editors end a file with a newline, which is no part of the secret. */
function trimmed(bytes: Buffer): Uint8Array {
  const end = /\r?\n$/.exec(bytes.toString("latin1"))?.[0].length ?? 0;
  return new Uint8Array(bytes.subarray(0, bytes.length - end));
}

function readFile(flag: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new MicrorunError("invalid_argument", `--${flag}=${path}: cannot be read: ${errorText(error)}`, {
      hint: "name a file that this user may read",
      cause: error,
    });
  }
}

function readRate(given: Given, env: Environment): GatewaySettings["rate"] {
  const { rate_limit, rate_window, rate_burst, rate_key } = readFlags(rateFlags, given, env);
  const [, kind, name] = /^(ip|(?:header|claim)(?=:)):?([\w-]*)$/.exec(rate_key) ?? [];
  if (kind === undefined || (kind === "ip") !== (name === ""))
    throw usageError(`--rate_key=${rate_key}: not a key`, "use ip, header:x-api-key or claim:sub");
  if (rate_limit === undefined) return undefined;
  return {
    limit: {
      limit: rate_limit,
      windowMs: rate_window,
      ...(rate_burst === undefined ? {} : { burst: rate_burst }),
    },
    by: kind === "ip" ? { kind } : { kind: kind as "header" | "claim", name: name! },
  };
}
