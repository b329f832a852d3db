/** Replies that stream as server-sent events (html.spec.whatwg.org): one for each, `error` or `end` last. */
import type { Method } from "../call.ts";
import { discard } from "../iteration.ts";
import { microErrorJson } from "../micro-error.ts";
import { pause } from "../wait.ts";
import { microErrorOf } from "./failure.ts";

/** What fails at once is answered by a status of its own; a stream that is quiet for longer begins without a reply. */
const firstReplyMs = 1000;

/** Between comments that keep the connection, in ms: proxies cut silent ones. */
const heartbeatMs = 15_000;

const utf8 = new TextEncoder();

/**
 * Resolves when the first reply is there, or is not for a while. The next one is asked for when the caller takes it.
 * @param open its signal is aborted when the reader has left
 * @throws what the call fails with by then
 */
export async function eventStream(
  open: (signal: AbortSignal) => AsyncIterable<unknown>,
  { passing }: Method,
): Promise<Response> {
  const left = new AbortController();
  const replies = open(left.signal)[Symbol.asyncIterator]();
  let first: Promise<IteratorResult<unknown>> | undefined = replies.next();
  await Promise.race([first, pause(firstReplyMs)]);
  let timer: ReturnType<typeof setInterval> | undefined;
  const text = (reply: unknown): string =>
    passing === undefined ? JSON.stringify(reply) : new TextDecoder().decode(reply as Uint8Array);

  const next = async (): Promise<{ readonly event: string; readonly last: boolean }> => {
    try {
      const { done, value } = await (first ?? replies.next());
      first = undefined;
      return done ? { event: event("{}", "end"), last: true } : { event: event(text(value)), last: false };
    } catch (error) {
      return { event: event(microErrorJson(microErrorOf(error)), "error"), last: true };
    }
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        timer = setInterval(() => {
          if ((controller.desiredSize ?? 0) >= 0) controller.enqueue(utf8.encode(":\n\n"));
        }, heartbeatMs);
      },
      async pull(controller) {
        const { event, last } = await next();
        if (left.signal.aborted) return;
        controller.enqueue(utf8.encode(event));
        if (!last) return;
        clearInterval(timer);
        controller.close();
      },
      cancel() {
        clearInterval(timer);
        left.abort();
        discard(replies);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
  });
}

/** A JSON text may span lines where a service writes it so. */
function event(data: string, name?: string): string {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `${name === undefined ? "" : `event: ${name}\n`}${lines.join("")}\n`;
}
