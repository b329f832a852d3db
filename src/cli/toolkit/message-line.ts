/** A message of a broker as one line: with its topic and header, or its body alone. */
import type { Message } from "../../broker/broker.ts";
import type { MessageType } from "../../call.ts";

type Shown = Pick<Message, "topic" | "header" | "body" | "event">;

const strict = new TextDecoder("utf-8", { fatal: true });

/** What no text has. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\x00-\x08\x0e-\x1f]/;

/** `body` is JSON, or a text; bytes that are neither are `base64`. */
export function messageLine(message: Shown, type?: MessageType): string {
  const { topic, header, event } = message;
  const attributes = event === undefined ? {} : { event };
  return `${JSON.stringify({ topic, header, ...attributes, ...bodyOf(message, type) })}\n`;
}

export function bodyLine(message: Shown, type?: MessageType): string {
  const { body, base64 } = bodyOf(message, type);
  return `${base64 ?? JSON.stringify(body)}\n`;
}

/** @param type what protobuf is read by */
function bodyOf(
  { header, body, event }: Shown,
  type: MessageType | undefined,
): { readonly body?: unknown; readonly base64?: string } {
  const media = contentType(header, event);
  if (/\bjson$/.test(media) || media === "") {
    const json = attempt((): unknown => JSON.parse(strict.decode(body)));
    if (json !== undefined) return { body: json };
  }
  if (type?.decode !== undefined && !/json$|^text\//.test(media)) {
    const read = attempt(() => type.toJson(type.decode?.(body)));
    if (read !== undefined) return { body: read };
  }
  const text = attempt(() => strict.decode(body));
  const isText = media.startsWith("text/") || (media === "" && text !== undefined && !control.test(text));
  return isText && text !== undefined ? { body: text } : { base64: Buffer.from(body).toString("base64") };
}

/** Of the body. A structured CloudEvent's own is that of the whole document, whose data are JSON unless it says so. */
function contentType(header: Shown["header"], event: Shown["event"]): string {
  const [, said = ""] = Object.entries(header).find(([name]) => /^content-type$/i.test(name)) ?? [];
  const media = said.split(";", 1)[0]!.trim().toLowerCase();
  return event !== undefined && media.startsWith("application/cloudevents") ? "" : media;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
