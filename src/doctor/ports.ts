/** Whether the ports that a run opens are free, and whether others reach what it tells of them. */
import { createServer } from "node:net";
import { listenError, parseAddress } from "../address.ts";
import { MicrorunError } from "../errors.ts";
import { type Check, type Finding, fail, failure, ok, warn } from "./doctor.ts";

/** One port that a run opens. */
export interface Listening {
  /** The flag that names it: `server_address`. */
  readonly flag: string;
  readonly address: string;
  /** A free port is taken in its place. */
  readonly replaceable: boolean;
  /** Nothing but the service itself runs here: a Pod's container. */
  readonly alone: boolean;
}

/** How long what listens already may take to say whether it is well, in ms. */
const askMs = 1000;

export function portsCheck(ports: readonly Listening[]): Check {
  return {
    name: "port",
    run: async (signal) => Promise.all(ports.map((port) => judgePort(port, bind, isHealthy(signal)))),
  };
}

export async function judgePort(
  { flag, address, replaceable, alone }: Listening,
  listen: (address: string) => Promise<void>,
  healthy: (address: string) => Promise<boolean>,
): Promise<Finding> {
  try {
    await listen(address);
    return ok(`${address} is free (--${flag})`);
  } catch (error) {
    const found = failure(error);
    if (MicrorunError.from(error).code !== "already_exists") return found;
    if (replaceable)
      return warn(`${found.what}: a free port is taken in its place`, `choose one with --${flag}`);
    if (!(await healthy(address))) return found;
    const use = `${address} is in use, by a service that is well`;
    if (alone) return ok(`${use}: this one (--${flag})`);
    return warn(`${use}: this one, or another`, `choose another with --${flag} unless it is this one`);
  }
}

async function bind(address: string): Promise<void> {
  const place = parseAddress(address);
  const server = createServer();
  const listening = Promise.withResolvers<void>();
  server.once("error", (error) => listening.reject(listenError(address, error)));
  // a socket's file of another process is not to be replaced
  server.listen({ ...place, exclusive: true }, listening.resolve);
  await listening.promise;
  await new Promise((closed) => server.close(closed));
}

function isHealthy(signal: AbortSignal): (address: string) => Promise<boolean> {
  return async (address) => {
    const place = parseAddress(address);
    if (place.path !== undefined) return false;
    const host = /^(0\.0\.0\.0|::)?$/.test(place.host ?? "") ? "127.0.0.1" : place.host!;
    const bound = AbortSignal.any([signal, AbortSignal.timeout(askMs)]);
    const url = `${host.includes(":") ? `[${host}]` : host}:${place.port}/livez`;
    const asked = await Promise.all(["http", "https"].map((scheme) => isWell(`${scheme}://${url}`, bound)));
    return asked.includes(true);
  };
}

/** Whoever answers is believed: nothing is told to it. */
async function isWell(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal, tls: { rejectUnauthorized: false } } as RequestInit);
    return answer.ok && (await answer.text()).trim() === "ok";
  } catch {
    return false;
  }
}

export interface Advertised {
  /** What is told to the registry; undefined: the address that it listens on. */
  readonly advertise: string | undefined;
  /** Where it listens. */
  readonly listen: string;
  /** Others come from beyond this machine. */
  readonly beyond: boolean;
}

/** Undefined: nothing is told to anybody. */
export function advertisedCheck(advertised: Advertised | undefined): Check {
  return {
    name: "address",
    run: async () => (advertised === undefined ? [] : judgeAdvertised(advertised)),
  };
}

export function judgeAdvertised({ advertise, listen, beyond }: Advertised): Finding[] {
  if (!beyond) return [];
  if (advertise !== undefined && isLoopback(advertise))
    return [
      fail(
        `${advertise} is told to others, and leads each to itself`,
        "set --server_advertise to an address of this machine, or leave it out",
      ),
    ];
  if (advertise === undefined && isLoopback(listen))
    return [
      fail(
        `it listens on ${listen}, which nobody else can reach`,
        "leave the host out of --server_address, such as :8080",
      ),
    ];
  return [ok(`${advertise ?? listen} can be reached from beyond this machine`)];
}

function isLoopback(address: string): boolean {
  const place = parseAddress(address);
  return place.path !== undefined || /^(localhost|127\..*|::1)$/.test(place.host ?? "");
}
