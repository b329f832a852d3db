/** `--broker_address` of NATS: servers, who we are to them, TLS, and the stream of JetStream, if any. */
import { readFileSync } from "node:fs";
import {
  type Authenticator,
  credsAuthenticator,
  type NodeConnectionOptions,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from "@nats-io/transport-node";
import { didYouMean, errorText, MicrorunError, usageError } from "../errors.ts";

const defaultServer = "nats://127.0.0.1:4222";
const parameters = ["jetstream", "creds", "nkey", "ca", "cert", "key"] as const;

export interface NatsAddress {
  /** `host:port`, for people too: no secret is in them. */
  readonly servers: readonly string[];
  readonly options: NodeConnectionOptions;
  /** Messages are kept in this stream until they are handled. */
  readonly stream: string | undefined;
}

/**
 * `nats://[user:password@|token@]host[:4222][?jetstream=STREAM&creds=FILE&nkey=FILE&ca=FILE&cert=FILE&key=FILE]`, `tls://…`; of
 * several servers the first that says something says it for all. Files of secrets are read at each connection.
 * @throws MicrorunError `invalid_argument`
 */
export function parseNatsAddress(addresses: readonly string[]): NatsAddress {
  const urls = (addresses.length === 0 ? [defaultServer] : addresses).map(readUrl);
  const said = (name: (typeof parameters)[number]): string | undefined =>
    urls.map(({ searchParams }) => searchParams.get(name)).find((value) => value) ?? undefined;
  const stream = said("jetstream");
  if (stream !== undefined && !/^[\w-]{1,64}$/.test(stream))
    throw usageError(
      `--broker_address: ${JSON.stringify(stream.slice(0, 80))} is no name of a stream`,
      "use letters, digits, _ and -",
    );
  const [ca, cert, key] = [said("ca"), said("cert"), said("key")];
  const secure = urls.some(({ protocol }) => protocol === "tls:") || (ca ?? cert ?? key) !== undefined;
  const files = {
    ...(ca === undefined ? {} : { ca: readSecret("ca", ca).toString() }),
    ...(cert === undefined ? {} : { cert: readSecret("cert", cert).toString() }),
    ...(key === undefined ? {} : { key: readSecret("key", key).toString() }),
  };
  const authenticator = authentication(urls, said("creds"), said("nkey"));
  const servers = urls.map(({ hostname, port }) => `${hostname}:${port || "4222"}`);
  return {
    servers,
    options: {
      servers,
      ...(secure ? { tls: files } : {}),
      ...(authenticator === undefined ? {} : { authenticator }),
    },
    stream,
  };
}

function readUrl(text: string): URL {
  const url = new URL(text.includes("://") ? text : `nats://${text}`);
  if (url.protocol !== "nats:" && url.protocol !== "tls:")
    throw usageError(`--broker_address: ${url.protocol}// is not for NATS`, "write nats://host:4222");
  // of no known scheme, URL wants a host written out
  if (url.hostname === "")
    throw usageError("--broker_address: the host is missing", "write nats://host:4222");
  const known: readonly string[] = parameters;
  const stranger = [...url.searchParams.keys()].find((name) => !known.includes(name));
  if (stranger !== undefined)
    throw usageError(
      `--broker_address: ${stranger} is not known${didYouMean(stranger, known)}`,
      `use ${known.join(", ")}`,
    );
  // a variable that is not set must not make messages less safe
  const [empty] = [...url.searchParams].find(([, value]) => value === "") ?? [];
  if (empty === undefined) return url;
  throw usageError(`--broker_address: ${empty} is empty`, `write ${empty}=… or leave it out`);
}

function authentication(
  urls: readonly URL[],
  creds: string | undefined,
  nkey: string | undefined,
): Authenticator | undefined {
  if (creds !== undefined) {
    readSecret("creds", creds);
    return credsAuthenticator(() => readSecret("creds", creds));
  }
  if (nkey !== undefined) {
    readSecret("nkey", nkey);
    return nkeyAuthenticator(() => new TextEncoder().encode(readSecret("nkey", nkey).toString().trim()));
  }
  const named = urls.find(({ username }) => username !== "");
  if (named === undefined) return undefined;
  const [user, password] = [decodeURIComponent(named.username), decodeURIComponent(named.password)];
  return password === "" ? tokenAuthenticator(user) : usernamePasswordAuthenticator(user, password);
}

function readSecret(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new MicrorunError("invalid_argument", `--broker_address: ${name}: ${errorText(error)}`, {
      hint: "name a file that this user may read",
    });
  }
}
