/** The heads of a client's requests: what they share is the same array each time, so that the engine keeps its encoded form. */
import type { Fields as FlatFields } from "../h2/h2.ts";
import { addFields } from "./header-record.ts";
import { acceptedEncodings } from "./inflate.ts";
import type { CallStart } from "./invocation.ts";
import { userAgent } from "./status.ts";
import { grpcTimeout } from "./timeout.ts";

export interface ClientHeads {
  of(start: CallStart): { readonly shared: FlatFields; readonly own: FlatFields };
}

/** Paths whose head is kept. */
const maxKept = 1000;

export function createHeads(scheme: "http" | "https", authority: string): ClientHeads {
  const kept = new Map<string, FlatFields>();

  const sharedOf = ({ path, contentType }: CallStart): FlatFields => {
    const key = `${path} ${contentType}`;
    let shared = kept.get(key);
    if (shared !== undefined) return shared;
    shared = [
      ...[":method", "POST", ":scheme", scheme, ":path", path, ":authority", authority],
      ...["te", "trailers", "content-type", contentType],
      // told from other callers by it: we read every form of errors
      ...["user-agent", `${userAgent}/1`, "grpc-accept-encoding", acceptedEncodings],
    ];
    if (kept.size >= maxKept) kept.clear();
    kept.set(key, shared);
    return shared;
  };

  return {
    of(start) {
      const own: string[] = [];
      if (start.deadline !== undefined) own.push("grpc-timeout", grpcTimeout(start.deadline - Date.now()));
      addFields(own, start.fields);
      return { shared: sharedOf(start), own };
    },
  };
}
