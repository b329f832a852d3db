/** What is said of a connection that failed, in a few words, and what to do about it. */
import { errorText, MicrorunError } from "../errors.ts";
import { type Ending, errorCodes } from "../h2/h2.ts";
import type { Status } from "./status.ts";

const causes: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "connection refused"],
  ["ECONNRESET", "connection reset"],
  ["EHOSTUNREACH", "no route to host"],
  ["ENETUNREACH", "network is unreachable"],
  ["ENOENT", "no such socket"],
  ["ETIMEDOUT", "connection timed out"],
]);

export type Told = Pick<Status, "message" | "hint">;

const speakTls = "name the authority of its certificate by --client_tls_ca, if it speaks TLS";
const speakNone = "leave --client_tls_ca out, if it speaks no TLS";

const unknownName: Told = { message: "cannot connect: its name is not known" };
const closedAtOnce: Told = {
  message: "closed by the server, as one that speaks TLS would",
  hint: speakTls,
};
const refused: Told = {
  message: "the server does not take our certificate, or wants one",
  hint: "give --client_tls_cert and --client_tls_key that its authority has signed",
};
const notHttp2: Told = { message: "the server answers in no HTTP/2", hint: `check the port; ${speakTls}` };

/** By what grpc-js, node and BoringSSL say. */
const told: ReadonlyMap<RegExp, Told> = new Map([
  [/^Failed to connect$/, closedAtOnce],
  [/^Protocol error$/, notHttp2],
  [/ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_(EXPIRED|UNKNOWN))/, refused],
  [/WRONG_VERSION_NUMBER/, { message: "the server speaks no TLS", hint: speakNone }],
  [
    /disconnected before secure TLS connection/,
    { message: "closed by the server, as one that speaks no TLS would", hint: speakNone },
  ],
]);

/** Without grpc-js' frame; what is not of a failed connection stays as it is. @param secure over TLS */
export function shortened(details: string, secure = false): Told {
  if (details.startsWith("Name resolution failed")) return unknownName;
  if (!details.startsWith("No connection established")) return { message: details };
  const cause = details
    .replace(/^No connection established(\. Last error: )?/, "")
    .replace(/\.? Resolution note: .*$/s, "")
    .replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)$/, "")
    .replace(/^(\w*Error( \[\w+\])?: )+/, "");
  if (secure && cause === "Failed to connect")
    return { ...refused, message: `cannot connect: ${refused.message}` };
  return tellOf(cause, /\bE[A-Z]{4,}\b/.exec(cause)?.[0] ?? "");
}

/** @param error as sockets throw it, or `lostAtOnce` makes it */
export function troubleOf(error: unknown): Told {
  if (error instanceof MicrorunError) {
    const { message, hint } = error;
    return { message: `cannot connect: ${message}`, ...(hint === undefined ? {} : { hint }) };
  }
  if (error instanceof DOMException && error.name === "TimeoutError") return tellOf("no answer", "");
  const code = String((error as { code?: unknown } | undefined)?.code ?? "");
  if (/^(ENOTFOUND|EAI_|DNS_)/.test(code)) return unknownName;
  // what the system says in one word tells more than what the runtime makes of it
  return tellOf(causes.has(code) && code !== "ECONNRESET" ? code : errorText(error), code);
}

/** Of a connection that ended before the server has said anything in HTTP/2. @param secure over TLS */
export function lostAtOnce({ code }: Ending, secure: boolean): MicrorunError {
  const closed = secure ? refused : closedAtOnce;
  const { message, hint } = code === errorCodes.internal ? closed : notHttp2;
  return new MicrorunError("unavailable", message, hint === undefined ? {} : { hint });
}

function tellOf(cause: string, code: string): Told {
  for (const [pattern, known] of told)
    if (pattern.test(cause)) return { ...known, message: `cannot connect: ${known.message}` };
  return { message: `cannot connect: ${causes.get(code) ?? (cause || "no answer")}` };
}
