/** Answers that go on: server-sent events to pages, JSON lines to calls. */
import { errorText } from "../errors.ts";
import type { Log } from "../log.ts";

export interface ServerEvent {
  readonly event: string;
  /** Becomes JSON. */
  readonly data: unknown;
}

/** So that a page that is gone is noticed, in ms. */
const beatMs = 10_000;

/** @param events begun when first read; told by its signal when nobody reads on */
export function eventStream(events: AsyncIterable<ServerEvent>, stop: AbortController, log: Log): Response {
  async function* lines(): AsyncGenerator<string> {
    // a browser that comes again waits so long
    yield "retry: 2000\n\n";
    for await (const { event, data } of events) yield `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  }
  return answer(lines(), { type: "text/event-stream", beat: ": \n\n", stop, log });
}

export function lineStream(values: AsyncIterable<unknown>, stop: AbortController, log: Log): Response {
  async function* lines(): AsyncGenerator<string> {
    for await (const value of values) yield `${JSON.stringify(value)}\n`;
  }
  return answer(lines(), { type: "application/x-ndjson", beat: "\n", stop, log });
}

interface Answering {
  readonly type: string;
  /** Means nothing to who reads. */
  readonly beat: string;
  readonly stop: AbortController;
  readonly log: Log;
}

function answer(lines: AsyncGenerator<string>, { type, beat, stop, log }: Answering): Response {
  const encoder = new TextEncoder();
  let timer: ReturnType<typeof setInterval> | undefined;
  const end = (): void => {
    clearInterval(timer);
    stop.abort();
  };
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      timer = setInterval(() => {
        // who reads slowly has enough to read
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(beat));
      }, beatMs);
    },
    async pull(controller) {
      try {
        const { done, value } = await lines.next();
        if (done !== true) return controller.enqueue(encoder.encode(value));
      } catch (error) {
        if (!stop.signal.aborted) log.warn(`dashboard: ${errorText(error)}`);
      }
      end();
      controller.close();
    },
    async cancel() {
      end();
      await lines.return(undefined).catch(() => {});
    },
  });
  return new Response(body, { headers: { "content-type": type, "cache-control": "no-store" } });
}
