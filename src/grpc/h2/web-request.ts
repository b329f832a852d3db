/** A stream of our own engine that is no gRPC call, answered by a fetch handler: JSON and web clients on gRPC's own port. */
import type { Fetch } from "../../call.ts";
import {
  errorCodes,
  type Fields as FlatFields,
  listBytes,
  type Stream,
  type StreamListener,
} from "../../h2/h2.ts";
import type { Log } from "../../log.ts";
import { isText, soon, textType } from "../../untyped-body.ts";
import type { Fields } from "../metadata.ts";
import { cancelled, maxIgnoredBytes, requestInit, responseFields } from "../web-stream.ts";

export interface WebRequestOptions {
  readonly fetch: Fetch;
  readonly peer: string | undefined;
  readonly secure: boolean;
  readonly log: Log;
  /** Called once, when the answer has left or nobody waits for it. */
  readonly ended: () => void;
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

const badRequest = [":status", "400"];
const failed = [":status", "500"];

export function serveWebRequest(
  stream: Stream,
  headers: Fields,
  hasBody: boolean,
  { fetch, peer, secure, log, ended }: WebRequestOptions,
): StreamListener {
  const closed = new AbortController();
  const body = hasBody ? createBody(stream) : undefined;
  let remoteEnded = false;
  let over = false;

  const leave = (): void => {
    if (over) return;
    over = true;
    body?.leave();
    closed.abort(cancelled());
    ended();
  };
  const listener: StreamListener = {
    data: (bytes, start, end) => body?.receive(bytes, start, end),
    end() {
      remoteEnded = true;
      body?.end();
    },
    reset: leave,
  };

  /** Our side has ended; what is left of the request is let in for a while, as not every client understands NO_ERROR. */
  const finish = async (): Promise<void> => {
    await stream.ready();
    if (!remoteEnded) body?.ignore();
    leave();
  };

  let request: Request;
  try {
    request = requestOf(headers, secure, closed.signal, body?.stream);
  } catch {
    stream.endWith(badRequest);
    void finish();
    return listener;
  }
  if (request.body === null) body?.drop();
  const isHead = request.method === "HEAD";
  const answer = async (): Promise<void> => {
    let headSent = false;
    try {
      const response = await fetch(request, peer);
      if (over) return await response.body?.cancel();
      const isTyped = response.headers.has("content-type");
      const head = [":status", String(response.status), ...responseFields(response)];
      // as RFC 9110 §6.6.1 wants of a server with a clock
      if (!response.headers.has("date")) head.push("date", new Date().toUTCString());
      headSent = true;
      if (response.body === null || isHead) {
        if (!takes(stream, head)) {
          void response.body?.cancel();
          throw tooLarge(stream, head);
        }
        stream.endWith(head);
        await response.body?.cancel();
      } else {
        const reader = response.body.getReader() as Reader;
        const reading = reader.read();
        if (!isTyped) {
          const first = await soon(reading);
          if (over) return await reader.cancel();
          if (first?.value !== undefined && isText(first.value)) head.push("content-type", textType);
        }
        if (!takes(stream, head)) {
          void reader.cancel();
          throw tooLarge(stream, head);
        }
        stream.send(head);
        await sendBody(stream, reader, reading, closed.signal);
        if (over) return;
        stream.end();
      }
      await finish();
    } catch (error) {
      if (over) return;
      log.error(`${request.method} ${headers[":path"]} failed`, { error });
      if (headSent) {
        stream.reset(errorCodes.internal);
        leave();
      } else {
        stream.endWith(failed);
        await finish();
      }
    }
  };
  void answer();
  return listener;
}

/** A client may close the connection for a head that is larger, and with it what others asked. */
function takes({ maxHeaderListBytes }: Stream, head: FlatFields): boolean {
  return listBytes(head) <= maxHeaderListBytes;
}

function tooLarge({ maxHeaderListBytes }: Stream, head: FlatFields): RangeError {
  return new RangeError(`the head has ${listBytes(head)} bytes, the client takes ${maxHeaderListBytes}`);
}

function requestOf(
  headers: Fields,
  secure: boolean,
  signal: AbortSignal,
  body: ReadableStream<Uint8Array> | undefined,
): Request {
  const { url, method, fields } = requestInit(headers, secure);
  const bodiless = method === "GET" || method === "HEAD" || body === undefined;
  const init = { method, headers: fields, signal, ...(bodiless ? {} : { body, duplex: "half" }) };
  return new Request(url, init as RequestInit);
}

async function sendBody(
  stream: Stream,
  reader: Reader,
  begun: ReturnType<Reader["read"]>,
  signal: AbortSignal,
): Promise<void> {
  const leave = (): void => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", leave, { once: true });
  for (let reading = begun; ; reading = reader.read()) {
    const { done, value } = await reading;
    if (signal.aborted) return;
    if (done) break;
    if (!stream.write(value)) await stream.ready();
  }
  signal.removeEventListener("abort", leave);
}

interface Body {
  readonly stream: ReadableStream<Uint8Array>;
  receive(bytes: Buffer, start: number, end: number): void;
  end(): void;
  /** Nobody reads it. */
  drop(): void;
  /** It was answered: how much more may come is bounded. */
  ignore(): void;
  /** The request is over before all of it was there. */
  leave(): void;
}

/** Read as far as somebody reads it: what waits is not credited. */
function createBody(stream: Stream): Body {
  let controller: ReadableStreamDefaultController<Uint8Array>;
  let open = true;
  let ignoring = false;
  let ignoredBytes = 0;
  let unreadBytes = 0;

  const giveBack = (): void => {
    if (unreadBytes === 0) return;
    stream.credit(unreadBytes);
    stream.release(unreadBytes);
    unreadBytes = 0;
  };
  const drop = (): void => {
    open = false;
    giveBack();
  };
  return {
    stream: new ReadableStream({
      start(own) {
        controller = own;
      },
      pull: giveBack,
      cancel: drop,
    }),
    receive(bytes, start, end) {
      unreadBytes += end - start;
      if (ignoring || !open) {
        giveBack();
        if (ignoring) ignoredBytes += end - start;
        if (ignoredBytes > maxIgnoredBytes) stream.reset(errorCodes.noError);
        return;
      }
      controller.enqueue(Uint8Array.prototype.slice.call(bytes, start, end));
      if ((controller.desiredSize ?? 0) > 0) giveBack();
    },
    end() {
      if (open) controller.close();
      open = false;
    },
    drop,
    ignore() {
      ignoring = true;
      giveBack();
    },
    leave() {
      if (open) controller.error(cancelled());
      open = false;
      giveBack();
    },
  };
}
