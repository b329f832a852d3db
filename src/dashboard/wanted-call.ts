/** What a page says of the call that it wants. */
import { MicrorunError } from "../errors.ts";
import type { WantedCall } from "./call-desk.ts";
import type { CallableEndpoint } from "./endpoints.ts";
import { grpcAddress } from "./peers.ts";
import type { ServiceState } from "./roster.ts";

/** The longest deadline, in ms. */
const maxTimeoutMs = 3_600_000;

/** @throws MicrorunError `invalid_argument`: only known endpoints of known instances are called */
export function readWanted(
  body: unknown,
  { name, instances }: ServiceState,
  endpoints: readonly CallableEndpoint[],
): WantedCall {
  const { endpoint, instance, message = {}, metadata = {}, timeoutMs = 0 } = object(body);
  const found = endpoints.find(({ path }) => path === endpoint);
  if (found === undefined) throw wrong("there is no such endpoint");
  const chosen = instances.find((one) => one.instance.id === instance)?.instance;
  if (chosen === undefined && instance !== undefined && instance !== "")
    throw wrong("there is no such instance any more");
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 0 && timeoutMs <= maxTimeoutMs))
    throw wrong(`the deadline is not a number of ms up to ${maxTimeoutMs}`);
  const fields = Object.entries(object(metadata)).map(([key, value]) => [key.toLowerCase(), String(value)]);
  return {
    service: name,
    method: found.method,
    ...(chosen === undefined ? {} : { address: grpcAddress(chosen) }),
    message,
    metadata: Object.fromEntries(fields),
    timeoutMs,
  };
}

function object(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong("it is no object");
  return value as Record<string, unknown>;
}

function wrong(why: string): MicrorunError {
  return new MicrorunError("invalid_argument", `the call cannot be made: ${why}`);
}
