/** What grpc-js says of a connection that failed, in a few words, and what to do about it. */
import type { Status } from "./status.ts";

const causes: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "connection refused"],
  ["ECONNRESET", "connection reset"],
  ["EHOSTUNREACH", "no route to host"],
  ["ENETUNREACH", "network is unreachable"],
  ["ENOENT", "no such socket"],
  ["ETIMEDOUT", "connection timed out"],
]);

type Told = Pick<Status, "message" | "hint">;

const speakTls = "name the authority of its certificate by --client_tls_ca, if it speaks TLS";
const speakNone = "leave --client_tls_ca out, if it speaks no TLS";

/** By what grpc-js, node and BoringSSL say. */
const told: ReadonlyMap<RegExp, Told> = new Map([
  [/^Failed to connect$/, { message: "closed by the server, as one that speaks TLS would", hint: speakTls }],
  [/^Protocol error$/, { message: "the server answers in no HTTP/2", hint: `check the port; ${speakTls}` }],
  [/WRONG_VERSION_NUMBER/, { message: "the server speaks no TLS", hint: speakNone }],
  [
    /disconnected before secure TLS connection/,
    { message: "closed by the server, as one that speaks no TLS would", hint: speakNone },
  ],
]);

/** Without grpc-js' frame; what is not of a failed connection stays as it is. */
export function shortened(details: string): Told {
  if (details.startsWith("Name resolution failed"))
    return { message: "cannot connect: its name is not known" };
  if (!details.startsWith("No connection established")) return { message: details };
  const cause = details
    .replace(/^No connection established(\. Last error: )?/, "")
    .replace(/\.? Resolution note: .*$/s, "")
    .replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)$/, "")
    .replace(/^(\w*Error( \[\w+\])?: )+/, "");
  for (const [pattern, known] of told)
    if (pattern.test(cause)) return { ...known, message: `cannot connect: ${known.message}` };
  const code = /\bE[A-Z]{4,}\b/.exec(cause)?.[0] ?? "";
  return { message: `cannot connect: ${causes.get(code) ?? (cause || "no answer")}` };
}
