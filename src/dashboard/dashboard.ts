/** The dashboard: services looked at, called and watched from a browser, live. */
import { parseAddress } from "../address.ts";
import type { Fetch } from "../call.ts";
import type { Client } from "../client/client.ts";
import { usageError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Registry } from "../registry/registry.ts";
import type { Server } from "../transport/transport.ts";
import { createApp } from "./app.ts";
import { isLoopback } from "./guard.ts";
import { createPeers, type PeerOptions } from "./peers.ts";

export interface DashboardOptions extends PeerOptions {
  readonly registry: Pick<Registry, "name" | "list">;
  readonly client: Client;
  /** `host:port`, `:port`; port 0: any free one. Beyond this machine a token is demanded. */
  readonly address: string;
  /** What everyone has to bring. @default on loopback nobody has to; else one that is made up */
  readonly token?: string;
  readonly listen: (address: string, fetch: Fetch) => Promise<Server>;
  readonly log: Log;
}

export interface Dashboard extends AsyncDisposable {
  /** Opens it in a browser; with the token, where one is demanded. */
  readonly url: string;
}

/** Shorter ones can be guessed. */
const minToken = 16;

/** @throws MicrorunError `invalid_argument`, and as `listen` does */
export async function openDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { registry, client, address, listen, log } = options;
  const place = parseAddress(address);
  if (place.path !== undefined)
    throw usageError(`address ${address}: no browser opens a unix socket`, "use 127.0.0.1:8082");
  const { host = "" } = place;
  const token = options.token ?? (isLoopback(host) ? undefined : randomToken());
  if (token !== undefined && !/^[\w.~-]+$/.test(token))
    throw usageError("the dashboard's token: not to be written in a URL", "use letters, digits and - . _ ~");
  if (token !== undefined && token.length < minToken)
    throw usageError(`the dashboard's token: shorter than ${minToken} characters`, "use a longer one");
  if (!isLoopback(host))
    log.warn(
      `the dashboard listens on ${address}, in reach of others: who has its token may call every service`,
    );
  const stop = new AbortController();
  const app = createApp({
    ...{ registry, client, host, log, signal: stop.signal },
    peers: createPeers(options),
    pageToken: randomToken(),
    ...(token === undefined ? {} : { accessToken: token }),
  });
  const server = await listen(address, (request) => app(request));
  return {
    url: urlOf(server.address, token),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server[Symbol.asyncDispose]();
    },
  };
}

function randomToken(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64url");
}

function urlOf(address: string, token: string | undefined): string {
  const near = address.replace(/^(0\.0\.0\.0|\[::\])?:(?=\d+$)/, "localhost:");
  return `http://${near}/${token === undefined ? "" : `?token=${token}`}`;
}
