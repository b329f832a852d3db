/** The address that others reach us by: go-micro's rule, or loopback where they are all on this machine. */
import { isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";

/** Answers at any address of a machine that listens on all, IPv6's among them. */
const loopback = "127.0.0.1";

/** Registries that nobody beyond this machine sees. */
const withinMachine: ReadonlySet<string> = new Set(["local", "memory"]);

/** From where others that this registry tells may come. */
export function reachOf(registry: string): "network" | "machine" {
  return withinMachine.has(registry) ? "machine" : "network";
}

/**
 * `host:port` of a listening address; a host that means "all" becomes the first private address of this machine, else a
 * public one, else loopback.
 * @param reach from where: an address of this machine goes with its network, loopback stays
 */
export function advertisedAddress(listening: string, reach: "network" | "machine" = "network"): string {
  if (listening.startsWith("unix:")) return listening;
  const colon = listening.lastIndexOf(":");
  const host = listening.slice(0, colon).replace(/^\[|\]$/g, "");
  if (host !== "" && host !== "::" && host !== "0.0.0.0") return listening;
  const mine = reach === "machine" ? loopback : machineAddress();
  return `${isIPv6(mine) ? `[${mine}]` : mine}${listening.slice(colon)}`;
}

function machineAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const reachable = addresses.filter(({ internal, family }) => !internal && family === "IPv4");
  const best = reachable.find(({ address }) => isPrivate(address)) ?? reachable[0];
  return best?.address ?? loopback;
}

/** RFC 1918. */
function isPrivate(address: string): boolean {
  return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address);
}
