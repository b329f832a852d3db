/** Why no instance will do, and what to do about it. */
import { MicrorunError } from "../errors.ts";
import type { Instance } from "../registry/registry.ts";
import { addressFor, defaultProtocol, hasMetadata, hasVersion, protocolsOf } from "./filter.ts";
import { unknownWords, type Wish } from "./selector.ts";
import type { Source } from "./source.ts";

/** The most versions or values that a message lists. */
const maxListed = 5;

export function noInstance(
  service: string,
  instances: readonly Instance[],
  wish: Wish,
  source: Source,
): MicrorunError {
  const [why, hint] = reasonOf(service, instances, wish, source);
  return new MicrorunError("unavailable", `service ${service}: ${why}`, { hint, unsent: true });
}

function reasonOf(
  service: string,
  instances: readonly Instance[],
  { version, metadata, protocol = defaultProtocol }: Wish,
  source: Source,
): [why: string, hint: string] {
  if (instances.length === 0) return unknown(service, source);
  const ofVersion = instances.filter((one) => hasVersion(one, version));
  if (ofVersion.length === 0)
    return [
      `no instance of version ${version}: there ${list(instances.map((one) => one.version || "(nothing)"))}`,
      "ask for a version that is there, or start one of this version",
    ];
  const fitting = ofVersion.filter((one) => hasMetadata(one, metadata));
  if (fitting.length === 0) {
    const wished = Object.entries(metadata ?? {});
    const text = wished.map(([key, value]) => `${key}=${value}`).join(" and ");
    const values = ofVersion.flatMap((one) =>
      wished.map(([key]) => `${key}=${one.metadata[key] ?? "(nothing)"}`),
    );
    return [
      `no instance has ${text}: there ${list(values)}`,
      "ask for metadata that an instance has, or leave the wish out",
    ];
  }
  const spoken = fitting.filter((one) => addressFor(one, protocol) === undefined).flatMap(protocolsOf);
  return [
    `no instance speaks ${protocol}: there ${list(spoken)}`,
    `call it by one of these, or let it serve ${protocol}`,
  ];
}

function unknown(service: string, source: Source): [why: string, hint: string] {
  const since = source.staleSince?.();
  const why = source.why?.(service);
  if (why !== undefined) return [`no instance known: ${why}`, "check the name, and that its Service exists"];
  const trouble = source.trouble?.(service);
  if (trouble !== undefined)
    return [`no instance known: ${source.title} ${trouble}`, "the log of this process says what to do"];
  if (since !== undefined) {
    const seconds = Math.round((Date.now() - since) / 1000);
    return [
      `no instance known: ${source.title} has not been reached for ${seconds} s`,
      "bring it back, or name another --registry or --selector",
    ];
  }
  return [
    `${unknownWords} ${source.title}`,
    "start one with the same --registry; microrun services lists what is known",
  ];
}

/** `are 1.0.0, 1.1.0`, each once. */
function list(texts: readonly string[]): string {
  const all = [...new Set(texts)].sort();
  const more = all.length > maxListed ? `, and ${all.length - maxListed} more` : "";
  return `${all.length === 1 ? "is" : "are"} ${all.slice(0, maxListed).join(", ")}${more}`;
}
