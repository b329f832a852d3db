/** Which instances will do for a call, and at which address. */
import type { Instance } from "../registry/registry.ts";
import type { Wish } from "./selector.ts";

/** What is called when nothing is said. */
export const defaultProtocol = "grpc";

/** The address where the instance speaks the protocol; undefined: it does not. */
export function addressFor(instance: Instance, protocol: string): string | undefined {
  const { protocols, address } = instance;
  const listed = protocols?.[protocol] ?? (protocol === "grpc" ? protocols?.grpcs : undefined);
  return listed ?? (ownProtocol(instance) === protocol ? address : undefined);
}

/** All that it speaks. */
export function protocolsOf(instance: Instance): string[] {
  const own = ownProtocol(instance);
  return [...new Set([...(own === undefined ? [] : [own]), ...Object.keys(instance.protocols ?? {})])];
}

/** What `address` speaks: what Go Micro's metadata say; where several are listed and nothing says which, none. */
function ownProtocol({ protocols, metadata }: Instance): string | undefined {
  const said = metadata.protocol ?? (protocols === undefined ? defaultProtocol : undefined);
  return said === "grpcs" ? "grpc" : said;
}

export function hasVersion({ version }: Instance, wished: string | undefined): boolean {
  return wished === undefined || version === wished;
}

export function hasMetadata({ metadata }: Instance, wished: Wish["metadata"]): boolean {
  for (const key in wished) if (metadata[key] !== wished[key]) return false;
  return true;
}

/** Wishes of the same key are met by the same instances. */
export function wishKey({ version, metadata, protocol = defaultProtocol }: Wish): string {
  if (version === undefined && metadata === undefined) return protocol;
  return JSON.stringify([protocol, version, Object.entries(metadata ?? {}).sort()]);
}
