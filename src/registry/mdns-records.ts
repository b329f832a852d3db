/**
 * Instances as DNS records and back, in the form of Go Micro v5's mdns registry.
 *
 * (go-micro.dev/v5 v5.30.0, registry/mdns_registry.go and internal/util/mdns/zone.go.) An instance is `<id>.<service>.micro`: an
 * SRV record, the A record of its host and a TXT record, the hex of zlib-compressed JSON in pieces of 255. v5 reads one
 * instance of each packet, and takes the address from the record that follows SRV.
 */
import { isIP, isIPv4 } from "node:net";
import { hostname } from "node:os";
import { deflateSync, inflateSync } from "node:zlib";
import type { Answer } from "multicast-dns";
import { MicrorunError } from "../errors.ts";
import { readEndpoints, readMetadata } from "../micro-service-json.ts";
import type { Instance } from "./registry.ts";

/** In place of `local`. */
const domain = "micro";

/** Asked for the names of all services. */
export const listName: string = `_services.${domain}`;

/** The same by DNS-SD's own name (RFC 6763, 9). */
export const enumerationName: string = `_services._dns-sd._udp.${domain}`;

/** What fits into a packet beside the other records, in characters of hex; endpoints that do not fit are left out. */
const maxTxt = 60_000;

/** How large the JSON of one record may become, bytes: a small packet can hold very much zlib. */
export const maxTxtJson: number = 1024 * 1024;

/** RFC 1035, 2.3.4. */
const maxLabel = 63;
const maxName = 253;

/** Of the records that a service is listed by; nobody connects to it. v5 leaves out what has none. */
const listPort = 9999;

export const serviceName = (service: string): string => `${service}.${domain}`;
export const instanceName = ({ id, service }: Pick<Instance, "id" | "service">): string =>
  `${id}.${serviceName(service)}`;

/** One DNS name can be made of it. */
export function isName(name: string): boolean {
  const labels = name.split(".");
  return (
    Buffer.byteLength(name) <= maxName &&
    name.isWellFormed() &&
    labels.every((label) => label !== "" && Buffer.byteLength(label) <= maxLabel && !/\p{Cc}/u.test(label))
  );
}

/** @throws MicrorunError `invalid_argument` for what these records cannot hold */
export function checkInstance(instance: Instance): void {
  const { id, service, address } = instance;
  const refuse = (why: string, hint: string): MicrorunError =>
    new MicrorunError("invalid_argument", `cannot announce ${id || service} by multicast DNS: ${why}`, {
      hint,
    });
  if (id === "" || service === "" || serviceName(service) === listName || !isName(instanceName(instance))) {
    const why = `${instanceName(instance)} is no DNS name`;
    throw refuse(why, `choose --server_name and --server_id with at most ${maxLabel} bytes between dots`);
  }
  if (splitAddress(address) === undefined)
    throw refuse(`${address} is not an IP address with a port`, "set --server_advertise=IP:PORT");
  if (text({ ...instance, endpoints: [] }).length > maxTxt)
    throw refuse("its metadata are too large", "shorten them");
}

/** SRV, A or AAAA, TXT, in this order. @param ttl seconds; 0 takes it back */
export function instanceRecords(instance: Instance, ttl: number): Answer[] {
  const { host, port } = splitAddress(instance.address)!;
  const whole = text(instance);
  const txt = whole.length > maxTxt ? text({ ...instance, endpoints: [] }) : whole;
  return located(instanceName(instance), ttl, host, port, txt.match(/.{1,255}/g) ?? []);
}

/** From the service's name to one of its instances. */
export function pointer(instance: Instance, ttl: number): Answer {
  return { name: serviceName(instance.service), type: "PTR", ttl, data: instanceName(instance) };
}

export function listRecords(service: string, ttl: number): Answer[] {
  const name = `${service}.${listName}`;
  return [{ name: listName, type: "PTR", ttl, data: name }, ...located(name, ttl, "0.0.0.0", listPort, [""])];
}

function located(name: string, ttl: number, address: string, port: number, txt: readonly string[]): Answer[] {
  const host = isName(hostname()) ? hostname() : "localhost";
  return [
    { name, type: "SRV", ttl, data: { priority: 10, weight: 1, port, target: host } },
    { name: host, type: isIPv4(address) ? "A" : "AAAA", ttl, data: address },
    { name, type: "TXT", ttl, data: txt },
  ];
}

/** The services that `listRecords` name. */
export function listedServices(answers: readonly Answer[]): string[] {
  return answers.flatMap(({ type, name, data }) =>
    type === "PTR" && name === listName && typeof data === "string" && data.endsWith(`.${listName}`)
      ? [data.slice(0, -listName.length - 1)]
      : [],
  );
}

/** An instance that was told of by name. */
export interface Told {
  readonly name: string;
  /** Seconds; 0: it is gone. */
  readonly ttl: number;
  /** The same for the same instance. */
  readonly key: string;
  /** @throws Error for records that are malformed */
  read(): Instance;
}

/** Instances with all their records in one packet: what v5 sends, and what it reads. */
export function toldInstances(answers: readonly Answer[]): Told[] {
  return answers.flatMap((srv) => {
    if (srv.type !== "SRV" || !srv.name.endsWith(`.${domain}`) || srv.name.endsWith(`.${listName}`))
      return [];
    const { target, port } = srv.data as { target: string; port: number };
    const txt = answers.find(({ type, name }) => type === "TXT" && name === srv.name);
    const at = (wanted: string) => answers.find(({ type, name }) => type === wanted && name === target);
    const host = (at("A") ?? at("AAAA"))?.data;
    if (txt === undefined || typeof host !== "string") return [];
    const pieces = Array.isArray(txt.data) ? txt.data : [txt.data];
    const hex = pieces.map((piece) => String(piece)).join("");
    const address = isIPv4(host) ? `${host}:${port}` : `[${host}]:${port}`;
    const ttl = Math.min(srv.ttl ?? 0, txt.ttl ?? 0);
    return [{ name: srv.name, ttl, key: `${address} ${hex}`, read: () => read(srv.name, address, hex) }];
  });
}

function read(name: string, address: string, hex: string): Instance {
  const json = inflateSync(Buffer.from(hex, "hex"), { maxOutputLength: maxTxtJson }).toString();
  const { Service, Version, Metadata, Endpoints } = JSON.parse(json) as Record<string, unknown>;
  if (typeof Service !== "string" || typeof Version !== "string") throw new Error("no service is named");
  const suffix = `.${serviceName(Service)}`;
  if (!name.endsWith(suffix) || name === suffix) throw new Error(`${name} is not of ${Service}`);
  const endpoints = readEndpoints(Endpoints, "Endpoints");
  return {
    id: name.slice(0, -suffix.length),
    service: Service,
    version: Version,
    address,
    metadata: readMetadata(Metadata, "Metadata"),
    ...(endpoints === undefined ? {} : { endpoints }),
  };
}

function text({ metadata, service, version, endpoints = [] }: Instance): string {
  const txt = { Metadata: metadata, Service: service, Version: version, Endpoints: endpoints };
  return deflateSync(JSON.stringify(txt)).toString("hex");
}

function splitAddress(address: string): { host: string; port: number } | undefined {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  const port = address.slice(colon + 1);
  if (isIP(host) === 0 || !/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
    return undefined;
  return { host, port: Number(port) };
}
