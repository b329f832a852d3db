/** The Connect protocol for streams: messages in envelopes, the end of the reply in the last one (connectrpc.com/docs/protocol). */
import { MicrorunError } from "../errors.ts";
import { discard } from "../iteration.ts";
import type { Endpoint } from "../service/service.ts";
import { type Codec, encodeReply } from "./codec.ts";
import { type ConnectError, connectError } from "./connect-error.ts";
import { endStream, envelope, readEnvelopes } from "./envelope.ts";
import { createLifetime } from "./lifetime.ts";
import { pulledBody } from "./pulled-body.ts";
import { type Answering, type Arrival, addMetadata, callOf, errorOf, type Sent } from "./unary.ts";

export interface StreamCall {
  readonly endpoint: Endpoint;
  readonly codec: Codec;
  readonly timeoutMs: number | undefined;
}

/** The reply starts when the handler's first message is there; each next one is asked for when the caller takes it. */
export async function serveStream(
  arrival: Arrival,
  { endpoint: { method }, codec, timeoutMs }: StreamCall,
  answering: Answering,
): Promise<Response> {
  const { request } = arrival;
  const { dispatch, log, maxBodyBytes } = answering;
  const sent: Sent = { header: undefined, trailer: undefined };
  const lifetime = createLifetime(request, timeoutMs, arrival.stop);
  // watched from the start: a stream may be quiet for long
  void lifetime.signal;

  async function* messages(): AsyncGenerator<unknown> {
    const encoding = request.headers.get("connect-content-encoding");
    for await (const bytes of readEnvelopes(request.body, encoding, maxBodyBytes, lifetime))
      yield codec.decode(method, bytes);
  }

  async function* envelopes(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const requests = messages();
    let replies: AsyncIterator<unknown> | undefined;
    let error: ConnectError | undefined;
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
          yield envelope(encodeReply(codec, method, next.value, answering));
        }
        replies = undefined;
      } else yield envelope(encodeReply(codec, method, reply, answering));
    } catch (thrown) {
      error = connectError(errorOf(thrown, method, log));
    } finally {
      lifetime[Symbol.dispose]();
      // neither is waited for: a handler may never settle
      discard(replies);
      discard(requests);
    }
    yield endStream(error, sent.trailer);
  }

  const out = envelopes();
  const first = await out.next();
  const body = pulledBody(out, first, () => lifetime.cancel());
  const response = new Response(body, { headers: { "content-type": `application/connect+${codec.name}` } });
  addMetadata(response.headers, sent.header);
  return response;
}

/** @throws MicrorunError `invalid_argument` when there is none, or more than one */
async function only(requests: AsyncGenerator<unknown>): Promise<unknown> {
  const { done, value } = await requests.next();
  if (done) throw new MicrorunError("invalid_argument", "request body: no message, where one is expected");
  if (!(await requests.next()).done)
    throw new MicrorunError("invalid_argument", "request body: more than one message, where one is expected");
  return value;
}
