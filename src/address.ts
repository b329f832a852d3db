/** Addresses as people write them: `host:port`, `:port`, `[::1]:port`, `unix:/path`. */
import { isIPv6 } from "node:net";
import { type Code, MicrorunError } from "./errors.ts";

/** A port, on all interfaces when no host is named, or a unix socket. */
export type Address =
  | { readonly host?: string; readonly port: number; readonly path?: never }
  | { readonly path: string };

/** The longest path that a socket's name may have on Linux. */
const maxPathBytes = 107;
const maxPort = 65_535;

/**
 * Port 0 asks for any free one.
 * @throws MicrorunError `invalid_argument`, with a hint
 */
export function parseAddress(text: string): Address {
  if (text.startsWith("unix:")) return socketPath(text);
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(text) ?? [];
  if (digits === undefined) throw malformed(text);
  const port = Number(digits);
  if (port > maxPort)
    throw invalid(text, `${digits} is not a port`, `use a port from 0 to ${maxPort}; 0 takes any free one`);
  if (bracketed !== undefined) {
    if (!isIPv6(bracketed))
      throw invalid(text, `${bracketed} is not an IPv6 address`, "write only IPv6 addresses in brackets");
    return { host: bracketed, port };
  }
  if (plain === undefined || plain === "") return { port };
  if (!isHost(plain))
    throw invalid(text, `${plain} is not a host`, "use a host name or an IP address, such as 127.0.0.1:8080");
  return { host: plain, port };
}

/** The text that `parseAddress` reads back. An IPv4 address that came by way of IPv6 is written as what it is. */
export function formatAddress(address: Address): string {
  if (address.path !== undefined) return `unix:${address.path}`;
  const { port } = address;
  const host = (address.host ?? "").replace(/^::ffff:(?=\d+\.)/, "");
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Why a server cannot listen, from the system's error.
 * @param error as node:net emits it or Bun.serve throws it: its `code` says why
 */
export function listenError(address: string, error: unknown): MicrorunError {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const failed = (as: Code, why: string, hint: string): MicrorunError =>
    new MicrorunError(as, `cannot listen on ${address}: ${why}`, { hint, cause: error });
  const elsewhere = "leave the host out to listen on all interfaces, such as :8080";
  switch (code) {
    case "EADDRINUSE":
      return failed(
        "already_exists",
        "the address is in use",
        "stop what listens there, or choose another port; port 0 takes any free one",
      );
    case "EACCES":
    case "EPERM":
      return failed(
        "permission_denied",
        "not permitted",
        "choose a port above 1023, or a folder that this user may write to",
      );
    case "EADDRNOTAVAIL":
      return failed("invalid_argument", "the host is not an address of this machine", elsewhere);
    case "ENOENT":
      return failed("invalid_argument", "its folder does not exist", "create the folder, or choose another");
    default:
      return failed("invalid_argument", String(message ?? error), elsewhere);
  }
}

/** Something is there that a socket must not replace. */
export function notSocket(path: string): MicrorunError {
  return new MicrorunError("invalid_argument", `cannot listen on unix:${path}: it is not a socket`, {
    hint: "choose another path, or remove what is there",
  });
}

function socketPath(text: string): Address {
  const path = text.slice("unix:".length).replace(/^\/\/(?=\/)/, "");
  if (path === "") throw invalid(text, "the path is missing", "write unix:/path/to/socket");
  if (Buffer.byteLength(path) > maxPathBytes)
    throw invalid(text, `a socket's path has at most ${maxPathBytes} bytes`, "choose a shorter path");
  return { path };
}

function malformed(text: string): MicrorunError {
  if (isIPv6(text)) return invalid(text, "the port is missing", `write [${text}]:8080`);
  if (/^\d+$/.test(text) && Number(text) > maxPort)
    return invalid(text, "not a port", `write a port of at most ${maxPort}, such as :8080`);
  if (/^\d+$/.test(text)) return invalid(text, "the host and a colon are missing", `write :${text}`);
  if (isHost(text)) return invalid(text, "the port is missing", `write ${text}:8080`);
  return invalid(text, "not host:port", "write host:port, :port, [::1]:port or unix:/path");
}

function isHost(text: string): boolean {
  return /^[\w-]+(\.[\w-]+)*\.?$/.test(text) && text.length <= 253;
}

function invalid(text: string, why: string, hint: string): MicrorunError {
  return new MicrorunError("invalid_argument", `address ${JSON.stringify(text)}: ${why}`, { hint });
}
