/** REST calls whose reply streams: a JSON text a line, server-sent events where the caller asks for them, raw bytes as they are. */
import { MicrorunError } from "../errors.ts";
import { discard } from "../iteration.ts";
import type { Match } from "../rest/rest.ts";
import { pause } from "../wait.ts";
import { encodeReply } from "./codec.ts";
import { createLifetime } from "./lifetime.ts";
import { pulledBody } from "./pulled-body.ts";
import { readRequest, replyCodec, sendsRaw } from "./rest-body.ts";
import { restError, restFailure } from "./rest-error.ts";
import { readMessages } from "./rest-messages.ts";
import { type Answering, type Arrival, addMetadata, callOf, errorOf, type Sent } from "./unary.ts";

/** What fails at once is answered by a status of its own; a stream that is quiet for longer begins without a message, in ms. */
const firstReplyMs = 1000;

/** How a stream is written. */
interface Framing {
  /** Undefined: that of its first message. */
  readonly type?: string;
  readonly message: (bytes: Uint8Array) => Uint8Array;
  /** The last of a stream that failed. Undefined: it is cut off. */
  readonly error?: (json: string) => Uint8Array;
}

const lines: Framing = {
  type: "application/x-ndjson",
  message: (bytes) => Buffer.concat([bytes, Buffer.from("\n")]),
  error: (json) => Buffer.from(`${json}\n`),
};

const events: Framing = {
  type: "text/event-stream",
  message: (bytes) => Buffer.concat([Buffer.from("data: "), bytes, Buffer.from("\n\n")]),
  error: (json) => Buffer.from(`event: error\ndata: ${json}\n\n`),
};

const asIs: Framing = { message: (bytes) => bytes };

/** @throws MicrorunError what is wrong with what was sent */
export async function serveRestStream(
  arrival: Arrival,
  match: Match,
  answering: Answering,
): Promise<Response> {
  const { request } = arrival;
  const { method } = match.binding;
  const wantsEvents = prefersEvents(request.headers.get("accept") ?? "");
  const framing = sendsRaw(match.binding) ? asIs : wantsEvents ? events : lines;
  const codec = replyCodec(match.binding);
  const sent: Sent = { header: undefined, trailer: undefined };
  const lifetime = createLifetime(request, undefined, arrival.stop);
  // watched from the start: a stream may be quiet for long
  void lifetime.signal;
  const requests = method.requestStream ? readMessages(request, match, answering) : undefined;
  const read = (): Promise<unknown> => readRequest(request, match, answering);
  const asked = requests ?? (await lifetime.during(read).catch((error) => end(lifetime, error)));
  let begun = false;

  async function* bodies(): AsyncGenerator<Uint8Array> {
    let replies: AsyncIterator<unknown> | undefined;
    try {
      const call = callOf(arrival, method, asked, lifetime, sent);
      const reply = await lifetime.during(() => answering.dispatch(call));
      const iterator = (reply as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      replies = iterator;
      for (;;) {
        const next = await lifetime.during(() => iterator.next());
        if (next.done) break;
        yield framing.message(encodeReply(codec, method, next.value, answering));
      }
      replies = undefined;
    } catch (thrown) {
      const error = errorOf(thrown, method, answering.log);
      if (!begun || framing.error === undefined) throw error;
      yield framing.error(JSON.stringify({ error: restError(error, request.headers) }));
    } finally {
      lifetime[Symbol.dispose]();
      // neither is waited for: a handler may never settle
      discard(replies);
      discard(requests);
    }
  }

  const out = bodies();
  const first = out.next();
  using quiet = timer();
  try {
    await Promise.race([first, ...(framing.type === undefined ? [] : [quiet.over])]);
  } catch (error) {
    return restFailure(MicrorunError.from(error), request.headers);
  }
  begun = true;
  const body = pulledBody(out, first, () => lifetime.cancel());
  const headers = { "content-type": framing.type ?? codec.type, "cache-control": "no-store" };
  const response = new Response(body, { headers });
  if (framing === events) response.headers.set("x-accel-buffering", "no");
  addMetadata(response.headers, sent.header);
  if (request.method === "HEAD") await body.cancel();
  return response;
}

/** Whoever says that lines of JSON are as good gets those. */
function prefersEvents(accept: string): boolean {
  const weight = (type: string): number => {
    const range = accept.split(",").find((part) => part.trim().toLowerCase().split(/[\s;]/)[0] === type);
    return range === undefined ? 0 : Number(/;\s*q=([\d.]+)/i.exec(range)?.[1] ?? 1);
  };
  const events = weight("text/event-stream");
  return events > 0 && events >= Math.max(weight(lines.type!), weight("application/json"));
}

function end(lifetime: Disposable, error: unknown): never {
  lifetime[Symbol.dispose]();
  throw error;
}

function timer(): Disposable & { readonly over: Promise<void> } {
  const stop = new AbortController();
  return { over: pause(firstReplyMs, stop.signal), [Symbol.dispose]: () => stop.abort() };
}
