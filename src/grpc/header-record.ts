/** Header fields between the engine's flat lists and records by name, with repeated fields joined as node:http2 does. */
import type { Fields as FlatFields } from "../h2/h2.ts";

/** Of these the first holds. */
const single = new Set([
  "authorization",
  "content-length",
  "content-type",
  "from",
  "host",
  "proxy-authorization",
  "referer",
  "user-agent",
]);

export function recordOf(flat: FlatFields): Record<string, string | string[]> {
  // no prototype: any name may come
  const record: Record<string, string | string[]> = Object.create(null);
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    const value = flat[i + 1]!;
    const known = record[name];
    if (name === "set-cookie") record[name] = known === undefined ? [value] : [...known, value];
    else if (known === undefined) record[name] = value;
    else if (!single.has(name)) record[name] = `${known}${name === "cookie" ? "; " : ", "}${value}`;
  }
  return record;
}
