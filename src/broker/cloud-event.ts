/** CloudEvents 1.0 (cloudevents.io), binary and structured, written and read. */
import { MicrorunError } from "../errors.ts";
import type { CloudEvent, CloudEventOptions } from "./broker.ts";
import type { Letter } from "./carrier.ts";
import { UnreadableError } from "./delivery.ts";
import { faultText, isJsonType, mediaType } from "./payload.ts";

export const structuredType = "application/cloudevents+json";
export const contentTypeHeader = "ce-datacontenttype";
const prefix = "ce-";
const attributeName = /^[a-z0-9]+$/;
const required = ["id", "source", "type"] as const;

type Attributes = Readonly<Record<string, unknown>>;

/** @param own what holds where the options say nothing @throws MicrorunError `invalid_argument` */
export function makeCloudEvent(
  { mode: _, time, extensions = {}, ...rest }: CloudEventOptions,
  own: { readonly id: string; readonly source: string },
): CloudEvent {
  const event = {
    ...extensions,
    ...own,
    ...present(rest),
    time: time instanceof Date ? time.toISOString() : (time ?? new Date().toISOString()),
  };
  const wrong = Object.keys(event).find((name) => !attributeName.test(name) || name === "data");
  if (wrong !== undefined)
    throw new MicrorunError("invalid_argument", `publish: ${wrong} is no name of a CloudEvent's attribute`, {
      hint: "name it by small letters and digits",
    });
  const missing = required.find((name) => !event[name]);
  if (missing === undefined) return event as CloudEvent;
  throw new MicrorunError("invalid_argument", `publish: the CloudEvent has no ${missing}`, {
    hint: `give ${missing} in cloudEvent`,
  });
}

/** Attributes beside the payload, as headers. */
export function writeBinary(event: CloudEvent): Record<string, string> {
  const all = Object.entries({ specversion: "1.0", ...event }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(all.map(([name, value]) => [`${prefix}${name}`, escaped(String(value))]));
}

/** One document of both. */
export function writeStructured(event: CloudEvent, body: Uint8Array, contentType: string): Uint8Array {
  const document = {
    ...{ specversion: "1.0", ...event, datacontenttype: contentType },
    ...(body.length === 0 ? {} : dataOf(body, contentType)),
  };
  return new TextEncoder().encode(JSON.stringify(document));
}

function dataOf(body: Uint8Array, contentType: string): object {
  if (!isJsonType(contentType)) return { data_base64: Buffer.from(body).toString("base64") };
  return { data: JSON.parse(new TextDecoder().decode(body)) as unknown };
}

export interface OpenedEvent {
  readonly event: CloudEvent;
  readonly body: Uint8Array;
  readonly contentType: string | undefined;
}

/** Of one document with its attributes, or of several. */
export function isEventType(contentType: string | undefined): contentType is string {
  return mediaType(contentType ?? "").startsWith("application/cloudevents");
}

/** Undefined: it is no CloudEvent. @throws UnreadableError for one that is not as it should be */
export function readCloudEvent(
  { header, body }: Letter,
  contentType: string | undefined,
): OpenedEvent | undefined {
  if (isEventType(contentType)) {
    const media = mediaType(contentType);
    if (media !== structuredType) throw new UnreadableError(`CloudEvent: ${media} is not known`);
    return readStructured(body);
  }
  const entries = Object.entries(header).map(([name, value]) => [name.toLowerCase(), value] as const);
  const attributes = entries.filter(([name]) => name.startsWith(prefix));
  if (!attributes.some(([name]) => name === `${prefix}specversion`)) return undefined;
  const plain = attributes.map(([name, value]) => [name.slice(prefix.length), unescaped(value)] as const);
  // over NATS it is told there, and Content-Type need not be
  const { datacontenttype = contentType, ...all } = Object.fromEntries(plain);
  return { event: checked(all), body, contentType: datacontenttype };
}

/** A document that nothing but its attributes tells to be an event. */
export function isStructured(body: Uint8Array): boolean {
  if (!Buffer.from(body.buffer, body.byteOffset, body.length).includes('"specversion"')) return false;
  try {
    checked(JSON.parse(new TextDecoder().decode(body)) as Attributes);
    return true;
  } catch {
    return false;
  }
}

function readStructured(body: Uint8Array): OpenedEvent {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch {
    throw new UnreadableError("CloudEvent: it is not JSON");
  }
  if (typeof value !== "object" || value === null) throw new UnreadableError("CloudEvent: it is no object");
  const { data, data_base64, datacontenttype = "application/json", ...attributes } = value as Attributes;
  if (typeof datacontenttype !== "string")
    throw new UnreadableError("CloudEvent: datacontenttype is no text");
  const bytes =
    typeof data_base64 === "string"
      ? Buffer.from(data_base64, "base64")
      : Buffer.from(data === undefined ? "" : dataText(data, datacontenttype));
  return { event: checked(attributes), body: new Uint8Array(bytes), contentType: datacontenttype };
}

function dataText(data: unknown, contentType: string): string {
  if (!isJsonType(contentType) && typeof data === "string") return data;
  try {
    return JSON.stringify(data);
  } catch (error) {
    throw new UnreadableError(`CloudEvent: ${faultText(error)}`);
  }
}

function checked({ specversion, ...attributes }: Attributes): CloudEvent {
  if (typeof specversion !== "string" || !specversion.startsWith("1."))
    throw new UnreadableError(`CloudEvent: version ${JSON.stringify(specversion)} is not known`);
  const missing = required.find((name) => typeof attributes[name] !== "string" || attributes[name] === "");
  if (missing !== undefined) throw new UnreadableError(`CloudEvent: ${missing} is missing`);
  return attributes as unknown as CloudEvent;
}

function present<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** What a header cannot carry, as the HTTP binding writes it. */
function escaped(value: string): string {
  return value.replace(/[^\x21\x23\x24\x26-\x7e]/gu, (point) => encodeURIComponent(point));
}

function unescaped(value: string): string {
  try {
    return decodeURIComponent(value.replace(/%(?![\da-f]{2})/gi, "%25"));
  } catch {
    return value;
  }
}
