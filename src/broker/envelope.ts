/** Go Micro's message as it travels, `{"Header":{…},"Body":"base64"}`: the JSON of v2 and v5, over HTTP and NATS alike. */
import type { Letter } from "./carrier.ts";
import { UnreadableError } from "./delivery.ts";

export const topicHeader = "Micro-Topic";

/** Go's encoder escapes these, so that what is written is the same to the byte. */
const goEscapes = /[<>&\u2028\u2029]/g;

const decoder = new TextDecoder();

export function writeEnvelope({ header, body }: Pick<Letter, "header" | "body">): string {
  const sorted = Object.fromEntries(Object.entries(header).sort(([a], [b]) => (a < b ? -1 : 1)));
  const text = JSON.stringify(sorted).replace(
    goEscapes,
    (point) => `\\u${point.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `{"Header":${text},"Body":${JSON.stringify(Buffer.from(body).toString("base64"))}}`;
}

/** @throws UnreadableError for what is no envelope */
export function readEnvelope(bytes: Uint8Array): Pick<Letter, "header" | "body"> {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    throw new UnreadableError("not a message of Go Micro's: it is not JSON");
  }
  const { Header = {}, Body = "" } = (isObject(value) ? value : {}) as { Header?: unknown; Body?: unknown };
  const keys = isObject(value) ? Object.keys(value) : [];
  if (keys.length === 0 || keys.some((key) => key !== "Header" && key !== "Body"))
    throw new UnreadableError("not a message of Go Micro's: it is no object of Header and Body alone");
  const texts = isObject(Header ?? {}) && Object.values(Header ?? {}).every((one) => typeof one === "string");
  if (!texts) throw new UnreadableError("not a message of Go Micro's: Header holds more than texts");
  if (typeof (Body ?? "") !== "string")
    throw new UnreadableError("not a message of Go Micro's: Body is no base64");
  return {
    header: (Header ?? {}) as Record<string, string>,
    body: new Uint8Array(Buffer.from((Body ?? "") as string, "base64")),
  };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
