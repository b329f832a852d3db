/** Calls whose messages come and go in envelopes, a stream of them each way or one, whichever protocol says how they end. */
import type { MicrorunError } from "../errors.ts";
import { discard } from "../iteration.ts";
import type { Endpoint } from "../service/service.ts";
import { type Codec, encodeReply } from "./codec.ts";
import { envelope, noMessage, type Packing, readEnvelopes, severalMessages } from "./envelope.ts";
import { createLifetime } from "./lifetime.ts";
import { pulledBody } from "./pulled-body.ts";
import { type Answering, type Arrival, addMetadata, callOf, errorOf, type Sent } from "./unary.ts";

export interface StreamCall {
  readonly endpoint: Endpoint;
  readonly codec: Codec;
  readonly timeoutMs: number | undefined;
  readonly form: StreamForm;
}

/** What the protocols have of their own. */
export interface StreamForm {
  /** The content type of the reply. */
  readonly type: string;
  /** The request's envelopes. */
  readonly body: ReadableStream<Uint8Array> | null;
  readonly packing: Packing;
  /** The last envelope: how it ended, and the trailers. */
  readonly end: (error: MicrorunError | undefined, trailer: Headers | undefined) => Uint8Array;
  /** How the reply's envelopes are written. @default as they are */
  readonly write?: (bytes: Uint8Array) => Uint8Array;
}

/** The reply starts when the handler's first message is there; each next one is asked for when the caller takes it. */
export async function serveStream(
  arrival: Arrival,
  { endpoint: { method }, codec, timeoutMs, form }: StreamCall,
  answering: Answering,
): Promise<Response> {
  const { request } = arrival;
  const { dispatch, log, maxBodyBytes } = answering;
  const { write = (bytes) => bytes } = form;
  const sent: Sent = { header: undefined, trailer: undefined };
  const lifetime = createLifetime(request, timeoutMs, arrival.stop);
  // watched from the start: a stream may be quiet for long
  void lifetime.signal;

  async function* messages(): AsyncGenerator<unknown> {
    for await (const bytes of readEnvelopes(form.body, form.packing, maxBodyBytes, lifetime))
      yield codec.decode(method, bytes);
  }

  async function* envelopes(): AsyncGenerator<Uint8Array> {
    const requests = messages();
    let replies: AsyncIterator<unknown> | undefined;
    let error: MicrorunError | undefined;
    try {
      const asked = method.requestStream ? requests : await only(requests);
      const call = callOf(arrival, method, asked, lifetime, sent);
      const reply = await lifetime.during(() => dispatch(call));
      if (method.responseStream) {
        const iterator = (reply as AsyncIterable<unknown>)[Symbol.asyncIterator]();
        replies = iterator;
        for (;;) {
          const next = await lifetime.during(() => iterator.next());
          if (next.done) break;
          yield write(envelope(encodeReply(codec, method, next.value, answering)));
        }
        replies = undefined;
      } else yield write(envelope(encodeReply(codec, method, reply, answering)));
    } catch (thrown) {
      error = errorOf(thrown, method, log);
    } finally {
      lifetime[Symbol.dispose]();
      // neither is waited for: a handler may never settle
      discard(replies);
      discard(requests);
    }
    yield write(form.end(error, sent.trailer));
  }

  const out = envelopes();
  const first = await out.next();
  const body = pulledBody(out, first, () => lifetime.cancel());
  const response = new Response(body, { headers: { "content-type": form.type } });
  addMetadata(response.headers, sent.header);
  return response;
}

/** @throws MicrorunError `unimplemented` when there is none, or more than one */
async function only(requests: AsyncGenerator<unknown>): Promise<unknown> {
  const { done, value } = await requests.next();
  if (done) throw noMessage();
  if (!(await requests.next()).done) throw severalMessages();
  return value;
}
