/** Takes messages by HTTP as Go Micro v5's broker does, `POST /?id=<node>`; CloudEvents too, `POST /?topic=<topic>`. */
import { STATUS_CODES } from "node:http";
import type { Fetch } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { microErrorJson } from "../micro-error.ts";
import { within } from "../wait.ts";
import { type Intake, type Letter, maxRoomMs, type Outcome } from "./carrier.ts";
import { contentTypeHeader, isEventType, readCloudEvent, structuredType } from "./cloud-event.ts";
import { UnreadableError } from "./delivery.ts";
import { readEnvelope, topicHeader } from "./envelope.ts";
import { mediaType } from "./payload.ts";
import { headerOf } from "./subscription.ts";

/** Bytes of bodies held at once, of all that are not handled yet. */
export const maxHeldBytes: number = 64 * 1024 * 1024;
/** What an envelope adds to a body: base64, and its headers. */
const envelopeFactor = 4 / 3;
const maxHeaderBytes = 65_536;
/** How long a body may take to arrive, ms. */
const maxBodyMs = 30_000;

export interface Receiver {
  readonly fetch: Fetch;
  add(
    node: { readonly id: string; readonly topic: string; readonly queue: string | undefined },
    intake: Intake,
  ): Disposable;
}

interface Node {
  readonly topic: string;
  readonly queue: string | undefined;
  readonly intake: Intake;
}

export function httpReceiver(maxMessageBytes: number): Receiver {
  const nodes = new Map<string, Node>();
  const maxBody = Math.ceil(maxMessageBytes * envelopeFactor) + maxHeaderBytes;
  let held = 0;
  const tooLarge = (): Response => refusal(413, `the message is larger than ${maxMessageBytes} bytes`);

  async function receive(request: Request): Promise<Response> {
    if (request.method !== "POST") return refusal(405, "Method not allowed");
    const query = new URL(request.url).searchParams;
    const size = Number(request.headers.get("content-length") ?? maxBody);
    if (request.headers.has("content-length") && !(size <= maxBody)) return tooLarge();
    if (held + size > maxHeldBytes) return refusal(503, "too many messages at once");
    held += size;
    try {
      const body = await within(maxBodyMs, "request body", readBody(request, maxBody));
      if (body === undefined) return tooLarge();
      if (isCloudEvent(request, query)) {
        if (body.length > maxMessageBytes) return tooLarge();
        return await receiveEvent(request, query.get("topic"), body);
      }
      const { header, body: payload } = readEnvelope(body);
      if (payload.length > maxMessageBytes) return tooLarge();
      const topic = headerOf({ header }, topicHeader) ?? "";
      if (topic === "") return refusal(500, "Topic not found");
      const node = nodes.get(query.get("id") ?? "");
      if (node === undefined || node.topic !== topic) return refusal(404, "no such subscriber");
      return answer([await hand(node.intake, { topic, header, body: payload })]);
    } catch (error) {
      if (error instanceof UnreadableError)
        return refusal(500, `Error parsing request body: ${error.message}`);
      throw error;
    } finally {
      held -= size;
    }
  }

  /** From one who knows neither registry nor queues: to all that want it here, of a queue to one. */
  async function receiveEvent(request: Request, topic: string | null, body: Uint8Array): Promise<Response> {
    if (!topic) return refusal(400, "Topic not found");
    const type = request.headers.get("content-type") ?? undefined;
    if (isEventType(type) && mediaType(type) !== structuredType)
      return refusal(415, `CloudEvent: ${mediaType(type)} is not known`);
    const mine = [...nodes.values()].filter((node) => node.topic === topic);
    const queues = Map.groupBy(mine, ({ queue }) => queue ?? "");
    const chosen = [...queues].flatMap(([queue, members]) => (queue === "" ? members : members.slice(0, 1)));
    if (chosen.length === 0) return refusal(404, "no such subscriber");
    const header = { ...Object.fromEntries(eventHeaders(request)), [topicHeader]: topic };
    const letter = { topic, header, body };
    const fault = eventFault(letter, type);
    if (fault !== undefined) return refusal(400, fault);
    return answer(await Promise.all(chosen.map(({ intake }) => hand(intake, letter))));
  }

  return {
    async fetch(request) {
      try {
        return await receive(request);
      } catch (error) {
        return refusal(500, MicrorunError.from(error).message);
      }
    },
    add({ id, topic, queue }, intake) {
      nodes.set(id, { topic, queue, intake });
      return { [Symbol.dispose]: () => void nodes.delete(id) };
    },
  };
}

async function hand(intake: Intake, letter: Letter): Promise<Outcome> {
  if (intake.full && !(await intake.room(maxRoomMs))) return "refused";
  return intake.take(letter);
}

function answer(outcomes: readonly Outcome[]): Response {
  return outcomes.includes("refused") ? refusal(503, "no room") : new Response(null);
}

/** Go Micro's publishers name a node, and put their headers into the envelope. */
function isCloudEvent({ headers }: Request, query: URLSearchParams): boolean {
  if (headers.has("ce-specversion") || isEventType(headers.get("content-type") ?? undefined)) return true;
  return !query.has("id") && [...headers.keys()].some((name) => name.startsWith("ce-"));
}

/** Why nobody can take it. */
function eventFault(letter: Letter, type: string | undefined): string | undefined {
  try {
    return readCloudEvent(letter, type) === undefined ? "CloudEvent: specversion is missing" : undefined;
  } catch (error) {
    return MicrorunError.from(error).message;
  }
}

/** By HTTP Content-Type alone says what the data are. */
function eventHeaders({ headers }: Request): [string, string][] {
  const type = headers.get("content-type");
  const attributes = [...headers].filter(([name]) => name.startsWith("ce-") && name !== contentTypeHeader);
  return [...attributes, ...(type === null ? [] : [["Content-Type", type] as [string, string]])];
}

/** As Go Micro's broker says it. */
function refusal(status: number, detail: string): Response {
  const error = { id: "go.micro.broker", code: status, detail, status: STATUS_CODES[status] ?? "" };
  return new Response(microErrorJson(error), { status });
}

/** Undefined: there is more of it. */
async function readBody(request: Request, maxBytes: number): Promise<Uint8Array | undefined> {
  if (request.headers.has("content-length")) {
    const whole = await request.bytes();
    return whole.length > maxBytes ? undefined : whole;
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
