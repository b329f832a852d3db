/** The heads of a client's requests: what they share is the same array each time, so that the engine keeps its encoded form. */
import type { Method, Passing } from "../../call.ts";
import type { Fields as FlatFields } from "../../h2/h2.ts";
import { type CallStart, pathOf } from "../invocation.ts";
import { writeFields } from "../metadata.ts";
import { userAgent } from "../status.ts";
import { grpcTimeout, microTimeout } from "../timeout.ts";
import { acceptedEncodings } from "./inflate.ts";

export interface RequestHead {
  shared: FlatFields;
  /** Absent: `shared` says all. */
  own: FlatFields | undefined;
}

export interface ClientHeads {
  /** @returns the same object each time */
  of(start: CallStart): RequestHead;
}

/** Times left of which a head is kept: calls with the same timeout have one or two. */
const maxTimes = 8;

const nothing: FlatFields = [];

/** Fields that many calls share, with each of the times that they have left. */
interface Timed {
  readonly fields: FlatFields;
  readonly byMs: Map<number, FlatFields>;
  lastMs: number;
}

/** Of one method. */
interface Kept {
  readonly service: string;
  readonly method: string;
  readonly plain: Timed;
  /** With the metadata that come again and again. */
  usual: Timed;
  usualOf: Headers | undefined;
}

export function createHeads(
  scheme: "http" | "https",
  authority: string,
  encoding: "gzip" | undefined,
): ClientHeads {
  const kept = new WeakMap<Method, Kept>();
  const head: RequestHead = { shared: [], own: undefined };
  /** Of the call before: calls that bring none of their own have the same. */
  let last: Headers | undefined;

  const keep = (start: CallStart): Kept => {
    const { service, method } = start.call;
    const plain = timed([
      ...[":method", "POST", ":scheme", scheme, ":path", pathOf(start.call), ":authority", authority],
      ...["te", "trailers", "content-type", start.contentType],
      // told from other callers by it: we read every form of errors
      ...["user-agent", `${userAgent}/1`, "grpc-accept-encoding", acceptedEncodings],
      ...(encoding === undefined ? [] : ["grpc-encoding", encoding]),
      // Go Micro's servers read it
      ...["x-content-type", start.contentType],
    ]);
    const made: Kept = { service, method, plain, usual: plain, usualOf: undefined };
    kept.set(start.method, made);
    return made;
  };

  return {
    of(start) {
      const { metadata, deadline, service, method } = start.call;
      if (start.method.passing !== undefined) {
        // whose calls they are differs from call to call: kept, they would only drive out what is worth it
        head.shared = nothing;
        head.own = passedFields(start, start.method.passing, scheme, authority);
        return head;
      }
      let known = kept.get(start.method);
      if (known === undefined || known.service !== service || known.method !== method) known = keep(start);
      const isUsual = metadata === last;
      last = metadata;
      if (isUsual && known.usualOf !== metadata) {
        known.usual = timed([...known.plain.fields, ...fieldsOf(metadata)]);
        known.usualOf = metadata;
      }
      const base = isUsual ? known.usual : known.plain;
      const own = isUsual ? undefined : fieldsOf(metadata);
      const ms = deadline === undefined ? 0 : Math.max(1, Math.ceil(deadline - Date.now()));
      const shared = ms === 0 ? base.fields : withTime(base, ms);
      head.shared = shared ?? base.fields;
      head.own = shared !== undefined ? own : own === undefined ? timeFields(ms) : own.concat(timeFields(ms));
      return head;
    },
  };
}

/** What its caller said of itself goes on, so that the callee answers in its caller's own form. */
function passedFields(start: CallStart, { micro }: Passing, scheme: string, authority: string): FlatFields {
  const { metadata, deadline } = start.call;
  const fields = [
    ...[":method", "POST", ":scheme", scheme, ":path", pathOf(start.call), ":authority", authority],
    ...["te", "trailers", "content-type", start.contentType, "grpc-accept-encoding", acceptedEncodings],
    ...(micro ? ["x-content-type", start.contentType] : []),
  ];
  fields.push(...writeFields(metadata));
  if (deadline === undefined) return fields;
  const [, grpc, , own] = timeFields(Math.max(1, Math.ceil(deadline - Date.now())));
  return [...fields, "grpc-timeout", grpc!, ...(micro ? ["timeout", own!] : [])];
}

function timed(fields: FlatFields): Timed {
  return { fields, byMs: new Map(), lastMs: 0 };
}

/** Undefined: this time has not come up twice in a row. */
function withTime(base: Timed, ms: number): FlatFields | undefined {
  const known = base.byMs.get(ms);
  if (known !== undefined) return known;
  const isRepeated = base.lastMs === ms;
  base.lastMs = ms;
  if (!isRepeated) return undefined;
  if (base.byMs.size >= maxTimes) base.byMs.clear();
  const made = [...base.fields, ...timeFields(ms)];
  base.byMs.set(ms, made);
  return made;
}

function timeFields(ms: number): string[] {
  return ["grpc-timeout", grpcTimeout(ms), "timeout", microTimeout(ms)];
}

/** But the caller's own name, which is told already. */
function fieldsOf(metadata: Headers): string[] {
  const fields = writeFields(metadata);
  return metadata.has("user-agent") ? fields.filter((_, i) => fields[i & ~1] !== "user-agent") : fields;
}
