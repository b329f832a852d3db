/** What went wrong with a request to the API server, as one of our errors. */
import { type Code, type ErrorOptions, MicrorunError } from "../../errors.ts";
import { withoutObjects } from "./told-value.ts";

/** The longest message taken from a server, in characters. */
const maxMessageLength = 1000;

const codes: Readonly<Record<number, Code>> = {
  400: "invalid_argument",
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
  409: "aborted",
  410: "out_of_range",
  422: "invalid_argument",
};

/** @param body a `Status` of the API server, or whatever came in its place */
export function apiError(status: number, body: unknown, what: string): MicrorunError {
  const { message, reason } = (typeof body === "object" && body !== null ? body : {}) as Record<
    string,
    unknown
  >;
  const said =
    typeof message === "string" && message !== "" ? withoutObjects(message) : `${what}: answered ${status}`;
  const options: ErrorOptions =
    typeof reason === "string" && reason !== "" ? { reason: upperSnake(reason) } : {};
  return new MicrorunError(codes[status] ?? "unavailable", said.slice(0, maxMessageLength), options);
}

/** `AlreadyExists` → `ALREADY_EXISTS` */
function upperSnake(reason: string): string {
  return reason.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ConnectionRefused: "connection refused",
  ECONNRESET: "connection reset",
  ConnectionClosed: "connection closed",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the host's name cannot be resolved now",
  ETIMEDOUT: "connection timed out",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
};

/** Nothing was sent: the request never reached the API server. */
const unsent = new Set([
  "ECONNREFUSED",
  "ConnectionRefused",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

const untrusted =
  "give its CA: certificate-authority-data of the cluster in the kubeconfig, ca.crt of the service account in a pod";
const wrongName =
  "use a name or address that its certificate has, or set tls-server-name of the cluster in the kubeconfig";

/** Faults of TLS by OpenSSL's and Bun's codes: what it is, what to do. */
const faults: Readonly<Record<string, readonly [string, string]>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: ["its certificate is for another name", wrongName],
  CERT_HAS_EXPIRED: ["its certificate has expired", "renew the API server's certificate, or set the clock"],
  CERT_NOT_YET_VALID: ["its certificate is not valid yet", "set the clock"],
  EPROTO: ["it does not speak TLS there", "check the URL: its port, and http: or https:"],
  FailedToOpenSocket: [
    "the CA or the client certificate cannot be used",
    "check that they are PEM, and that the key belongs to the certificate",
  ],
};

interface Fault {
  readonly code?: unknown;
  readonly message?: string;
  readonly cause?: { readonly code?: unknown; readonly message?: string };
}

/** @param server its URL; `proxy` the one on the way there, without a password */
export function networkError(error: unknown, server: string, proxy: string | undefined): MicrorunError {
  const { code: given, message, cause } = error as Fault;
  const text = `${message ?? ""} ${cause?.message ?? ""}`;
  // Deno gives words only
  const code = String(given ?? cause?.code ?? (/connection refused/i.test(text) ? "ECONNREFUSED" : ""));
  const through = proxy === undefined ? "" : ` through the proxy ${proxy}`;
  const [what, hint] =
    faults[code] ??
    (/SELF_SIGNED|UNABLE_TO_|CERT_(UNTRUSTED|REJECTED|SIGNATURE)|UnknownIssuer/.test(`${code} ${text}`)
      ? ["its certificate is not signed by a CA we trust", untrusted]
      : /NotValidForName/.test(text)
        ? ["its certificate is for another name", wrongName]
        : [reasons[code] ?? (code || "no answer"), undefined]);
  return new MicrorunError("unavailable", `cannot reach ${server}${through}: ${what}`, {
    cause: error,
    unsent: unsent.has(code),
    ...(hint === undefined ? {} : { hint }),
  });
}
