/** Messages as NATS carries them: Go Micro's envelope, and CloudEvents by the NATS binding, bare with headers. */
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { errorText, MicrorunError } from "../errors.ts";
import type { Letter } from "./carrier.ts";
import { contentTypeHeader, isStructured, structuredType } from "./cloud-event.ts";
import { readEnvelope, writeEnvelope } from "./envelope.ts";
import { mediaType } from "./payload.ts";
import { headerOf } from "./subscription.ts";

export interface NatsMessage {
  readonly data: Uint8Array;
  readonly headers?: MsgHdrs;
}

export function writeNatsMessage(letter: Letter): NatsMessage {
  if (!isEvent(letter)) return { data: new TextEncoder().encode(writeEnvelope(letter)) };
  const all = headers();
  for (const [name, value] of Object.entries(letter.header)) all.set(name, value);
  const type = headerOf(letter, "Content-Type");
  const isTold = headerOf(letter, contentTypeHeader) !== undefined;
  if (isBinary(letter) && type !== undefined && !isTold) all.set(contentTypeHeader, type);
  return { data: letter.body, headers: all };
}

/** What is no envelope is a message as people write it by hand: its bytes, and the headers that NATS has of it. */
export function readNatsMessage(topic: string, data: Uint8Array, own: MsgHdrs | undefined): Letter {
  const names = own?.keys() ?? [];
  const header = Object.fromEntries(names.map((name) => [name, own!.values(name).join(", ")]));
  const letter = { topic, header, body: data };
  if (isEvent(letter)) return letter;
  try {
    return { topic, ...readEnvelope(data) };
  } catch {
    // without headers the binding (1.0.2, 3) knows structured events alone, and nothing else tells them
    const isBare = headerOf(letter, "Content-Type") === undefined && isStructured(data);
    return isBare ? { ...letter, header: { ...header, "Content-Type": structuredType } } : letter;
  }
}

function isEvent(letter: Letter): boolean {
  return isBinary(letter) || mediaType(headerOf(letter, "Content-Type") ?? "") === structuredType;
}

const isBinary = (letter: Letter): boolean => headerOf(letter, "ce-specversion") !== undefined;

/** A subject to publish to names one thing. @throws MicrorunError `invalid_argument` */
export function checkSubject(topic: string): void {
  if (topic.split(".").every((token) => token !== "" && token !== "*" && token !== ">")) return;
  throw new MicrorunError("invalid_argument", `publish: ${topic} is no subject of NATS'`, {
    hint: "put words between single dots",
  });
}

export function publishError(topic: string, error: unknown): MicrorunError {
  if (error instanceof MicrorunError) return error;
  const why = errorText(error);
  const tooLarge = /max_payload/.test(why);
  return new MicrorunError(tooLarge ? "resource_exhausted" : "unavailable", `publish to ${topic}: ${why}`, {
    cause: error,
    ...(tooLarge ? { hint: "publish where it is to be found, or raise the server's max_payload" } : {}),
  });
}
