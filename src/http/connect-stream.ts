/** The Connect protocol for streams: messages in envelopes, the end of the reply in the last one (connectrpc.com/docs/protocol). */
import type { Codec } from "./codec.ts";
import { connectError } from "./connect-error.ts";
import { endStream, packingOf } from "./envelope.ts";
import type { StreamForm } from "./enveloped-stream.ts";

export function connectForm({ headers, body }: Request, codec: Codec): StreamForm {
  return {
    type: `application/connect+${codec.name}`,
    body,
    packing: packingOf(headers, "connect-content-encoding"),
    end: (error, trailer) => endStream(error && connectError(error), trailer),
  };
}
