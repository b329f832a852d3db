/** The file of one instance in the local registry's folder: the instance, until when it holds, and whose it is. */
import { createHash } from "node:crypto";
import { MicrorunError } from "../errors.ts";
import { readEndpoints, readMetadata } from "../micro-service-json.ts";
import { hasEnded, type ProcessMark } from "./local-process.ts";
import type { Instance } from "./registry.ts";

/** A file larger than this is not read, and none is written, bytes. */
export const maxLeaseBytes: number = 256 * 1024;

/** How often leases are looked after, ms: a clock that was moved, a file or folder that vanished is noticed within this time. */
export const maxTickMs = 5000;

/** How much of a service's name its files bear, for people who look. */
const maxShownName = 40;

export interface Lease {
  readonly instance: Instance;
  /** Ms since the epoch. */
  readonly expires: number;
  /** Absent: it holds whatever runs, until it expires. */
  readonly process?: ProcessMark;
}

/** Two instances have one name when they are of one service and id. */
export function leaseName({ service, id }: Pick<Instance, "service" | "id">): string {
  const shown = service.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, maxShownName);
  const hash = createHash("sha256")
    .update(JSON.stringify([service, id]))
    .digest("hex")
    .slice(0, 32);
  return `${shown}-${hash}.json`;
}

/** @throws MicrorunError `invalid_argument` for an instance that is too large or lacks a name */
export function writeLease(lease: Lease): string {
  const { id, service, address } = lease.instance;
  for (const [what, text] of Object.entries({ id, service, address })) {
    if (text === "")
      throw new MicrorunError("invalid_argument", `cannot announce ${service || id}: its ${what} is empty`);
  }
  const text = JSON.stringify(lease);
  if (Buffer.byteLength(text) > maxLeaseBytes)
    throw new MicrorunError("invalid_argument", `cannot announce ${id}: more than ${maxLeaseBytes} bytes`, {
      hint: "give it less metadata",
    });
  return text;
}

/** @throws MicrorunError `invalid_argument` or SyntaxError for anything that writeLease did not write */
export function readLease(text: string): Lease {
  const { instance, expires, process } = JSON.parse(text) as { [K in keyof Lease]?: unknown };
  if (typeof expires !== "number") throw new MicrorunError("invalid_argument", "expires: not a number");
  const mark = process === undefined ? undefined : readMark(process);
  return { instance: readInstance(instance), expires, ...(mark === undefined ? {} : { process: mark }) };
}

export type LeaseState = "holds" | "expired" | "ended";

export function leaseState({ expires, process }: Lease, now: number): LeaseState {
  if (process !== undefined && hasEnded(process)) return "ended";
  return expires > now ? "holds" : "expired";
}

function readMark(value: unknown): ProcessMark {
  const { pid, started, namespace } = (value ?? {}) as { [K in keyof ProcessMark]?: unknown };
  if (typeof pid !== "number" || !Number.isInteger(pid) || pid <= 0)
    throw new MicrorunError("invalid_argument", "process.pid: not a process");
  return {
    pid,
    ...(typeof started === "string" ? { started } : {}),
    ...(typeof namespace === "string" ? { namespace } : {}),
  };
}

function readInstance(value: unknown): Instance {
  const { id, service, version, address, metadata, ...more } = (value ?? {}) as {
    [K in keyof Instance]?: unknown;
  };
  const { protocols, namespace, zone, forZones } = more;
  const endpoints = readEndpoints(more.endpoints);
  if (typeof version !== "string") throw new MicrorunError("invalid_argument", "version: not a string");
  return {
    id: textOf(id, "id"),
    service: textOf(service, "service"),
    version,
    address: textOf(address, "address"),
    metadata: readMetadata(metadata),
    ...(protocols === undefined ? {} : { protocols: readMetadata(protocols, "protocols") }),
    ...(endpoints === undefined ? {} : { endpoints }),
    ...(namespace === undefined ? {} : { namespace: textOf(namespace, "namespace") }),
    ...(zone === undefined ? {} : { zone: textOf(zone, "zone") }),
    ...(Array.isArray(forZones) ? { forZones: forZones.map((zone) => textOf(zone, "forZones")) } : {}),
  };
}

function textOf(value: unknown, at: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new MicrorunError("invalid_argument", `${at}: missing`);
}
