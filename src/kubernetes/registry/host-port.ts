/** Hosts and ports as Pods, slices and annotations give them. */
import { isIPv6 } from "node:net";
import { MicrorunError } from "../../errors.ts";

/** `host:port`, IPv6 in brackets. */
export function hostPort(host: string, port: number | string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Undefined without a port. */
export function splitHostPort(text: string): { host: string; port: string } | undefined {
  if (isIPv6(text)) return undefined;
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  return host === undefined || port === undefined || Number(port) > 65_535 ? undefined : { host, port };
}

/** @throws MicrorunError `invalid_argument` for what no other pod could call, such as a unix socket */
export function checkHostPort(text: string): void {
  if (splitHostPort(text) !== undefined) return;
  throw new MicrorunError("invalid_argument", `address ${text}: it is not host:port`, {
    hint: "set --server_advertise to where other pods reach this one, such as 10.0.0.7:8080",
  });
}
