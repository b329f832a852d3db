/** Sends a response: whole where its bytes are there, else as they come, no faster than the client reads. */
import { wholeResponse } from "../lazy-response.ts";
import { isText, soon, textType } from "../untyped-body.ts";
import type { Output } from "./output.ts";
import { type Framing, type ResponseHead, responseHead } from "./response-head.ts";

export interface Answering {
  readonly output: Output;
  readonly isHead: boolean;
  /** HTTP/1.0, which knows no chunks. */
  readonly old: boolean;
  /** Says what the connection's part of the head is, just before it is sent. */
  readonly connection: (framing: Framing, asked: string | null) => Pick<ResponseHead, "connection" | "date">;
  /** Nobody waits for it any more. */
  readonly gone: boolean;
  /** Called when the client has left. */
  onGone: (() => void) | undefined;
  /** Its head has been written. */
  started: boolean;
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Chunk = Awaited<ReturnType<Reader["read"]>>;

/**
 * @returns undefined when it was sent at once
 * @throws whatever the body fails with, or a TypeError for a head that cannot be sent
 */
export function sendResponse(response: Response, answering: Answering): Promise<void> | undefined {
  const whole = wholeResponse(response);
  if (whole === undefined) return sendNative(response, answering);
  const { status, fields, bytes } = whole;
  sendHead(answering, { status, fields, framing: { length: bytes.length }, shared: true }, null);
  if (!answering.isHead) answering.output.write(bytes);
  return undefined;
}

async function sendNative(response: Response, answering: Answering): Promise<void> {
  const { status, headers } = response;
  // first, as Bun forgets the body's own type once it is looked at
  const fields = fieldsOf(headers);
  const { body } = response;
  if (body === null || answering.isHead || isBodiless(status)) {
    // of an answer to HEAD nobody but its maker knows what GET would bring (RFC 9110 §8.6)
    const length = answering.isHead ? lengthOf(headers) : 0;
    const framing = isBodiless(status) || length === undefined ? "none" : { length };
    sendHead(answering, { status, fields, framing }, headers.get("connection"));
    await body?.cancel();
    return;
  }
  const reader = body.getReader() as Reader;
  answering.onGone = () => void reader.cancel().catch(() => {});
  await sendBody(response, fields, reader, answering);
}

async function sendBody(
  { status, headers }: Response,
  fields: string[],
  reader: Reader,
  answering: Answering,
): Promise<void> {
  const { output, old } = answering;
  const said = lengthOf(headers);
  const reading = reader.read();
  const first = await soon(reading);
  const next = first === undefined ? reading : first.done ? Promise.resolve(first) : reader.read();
  const isWhole = first !== undefined && (await soon(next))?.done === true;
  if (answering.gone) return;
  if (first?.value !== undefined && !headers.has("content-type") && isText(first.value))
    fields.push("content-type", textType);
  const length = isWhole ? (first.value?.length ?? 0) : said;
  const framing: Framing = length !== undefined ? { length } : old ? "close" : "chunked";
  sendHead(answering, { status, fields, framing }, headers.get("connection"));
  if (first?.value !== undefined) write(output, first.value, framing);
  let sent = first?.value?.length ?? 0;
  for (let chunk: Chunk = await next; !chunk.done; chunk = await reader.read()) {
    // found broken by what was written, it is told gone only in the loop's next turn
    if (answering.gone || output.closed) return void reader.cancel().catch(() => {});
    sent += chunk.value.length;
    // more would be taken for the next answer
    if (length !== undefined && sent > length) break;
    if (!write(output, chunk.value, framing)) await output.ready();
  }
  if (length !== undefined && sent !== length && !answering.gone) {
    void reader.cancel().catch(() => {});
    throw new TypeError(`response body: not the ${length} bytes of its content-length`);
  }
  if (framing === "chunked") output.write("0\r\n\r\n");
}

function write(output: Output, bytes: Uint8Array, framing: Framing): boolean {
  if (framing !== "chunked") return output.add(bytes);
  // an empty chunk would be the last
  if (bytes.length === 0) return true;
  output.add(`${bytes.length.toString(16)}\r\n`);
  output.add(bytes);
  return output.add("\r\n");
}

export function sendHead(
  answering: Answering,
  head: Omit<ResponseHead, "connection" | "date">,
  asked: string | null,
): void {
  const { connection, date } = answering.connection(head.framing, asked);
  const { status, fields, framing, shared = false } = head;
  const text = responseHead({ status, fields, framing, shared, connection, date });
  answering.started = true;
  answering.output.write(text);
}

function isBodiless(status: number): boolean {
  return status === 204 || status === 304 || status < 200;
}

function lengthOf(headers: Headers): number | undefined {
  const said = headers.get("content-length");
  return said !== null && /^\d{1,15}$/.test(said) ? Number(said) : undefined;
}

function fieldsOf(headers: Headers): string[] {
  const fields: string[] = [];
  for (const [name, value] of headers) if (name !== "set-cookie") fields.push(name, value);
  for (const cookie of headers.getSetCookie()) fields.push("set-cookie", cookie);
  return fields;
}
