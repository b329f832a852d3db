/** What calls are told apart by: keys of one kind never meet those of another, and none is long. */
import type { Call } from "../call.ts";
import { usageError } from "../errors.ts";
import type { By, WebVisit } from "./middleware.ts";

/** The longest key kept as it is. */
const maxKeyLength = 256;

export interface KeyOf {
  readonly ofCall: (call: Call) => string;
  /** A web request's method is none of a service's: they share a key. */
  readonly ofVisit: (visit: WebVisit) => string;
}

/** @throws MicrorunError `invalid_argument` for what is no way to tell calls apart */
export function keyBy(by: By): KeyOf {
  if (typeof by === "function") return { ofCall: (call) => cut(String(by(call))), ofVisit: () => "web" };
  const name = /^metadata:(.+)$/.exec(by)?.[1]?.toLowerCase();
  if (name !== undefined) {
    const told = (value: string | null, peer: string | undefined): string =>
      value === null ? hostOf(peer) : cut(`metadata ${value}`);
    return {
      ofCall: ({ metadata, peer }) => told(metadata.get(name), peer),
      ofVisit: ({ request, peer }) => told(request.headers.get(name), peer),
    };
  }
  switch (by) {
    case "all":
      return { ofCall: () => "", ofVisit: () => "" };
    case "peer":
      return { ofCall: ({ peer }) => hostOf(peer), ofVisit: ({ peer }) => hostOf(peer) };
    case "subject": {
      const told = ({ claims, peer }: Pick<Call, "claims" | "peer"> | WebVisit): string =>
        typeof claims?.sub === "string" ? cut(`subject ${claims.sub}`) : hostOf(peer);
      return { ofCall: told, ofVisit: told };
    }
    case "target":
      return { ofCall: ({ target = "" }) => target, ofVisit: () => "" };
    case "method":
      return {
        ofCall: ({ type, service, method, target = "" }) => `${target} ${type?.service ?? service}/${method}`,
        ofVisit: () => "web",
      };
    default:
      throw usageError(
        `by: ${JSON.stringify(by)}: nothing to tell calls apart by`,
        "use all, method, target, peer, subject, metadata:NAME or a function",
      );
  }
}

/** Without the port, which each connection has of its own. */
function hostOf(peer: string | undefined): string {
  return (peer ?? "").replace(/:\d+$/, "");
}

function cut(key: string): string {
  return key.length > maxKeyLength ? key.slice(0, maxKeyLength) : key;
}
