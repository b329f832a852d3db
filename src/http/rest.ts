/** REST calls by `google.api.http`: the request that its path, query and body make, and the reply as JSON. */
import { MicrorunError } from "../errors.ts";
import { discard } from "../iteration.ts";
import { lazyResponse } from "../lazy-response.ts";
import type { Match } from "../rest/rest.ts";
import { compress, mayCompress } from "./body.ts";
import { checkOrigin, readRequest, replyCodec, wrongType } from "./rest-body.ts";
import { restFailure } from "./rest-error.ts";
import { readMessages } from "./rest-messages.ts";
import { serveRestStream } from "./rest-stream.ts";
import { type Answering, type Arrival, addMetadata, callUnary } from "./unary.ts";

export async function serveRest(arrival: Arrival, match: Match, answering: Answering): Promise<Response> {
  const { request } = arrival;
  const { headers } = request;
  const { binding } = match;
  try {
    checkOrigin(request, answering);
    const wrong = wrongType(request, binding);
    if (wrong !== undefined) return restFailure(new MicrorunError("invalid_argument", wrong), headers, 415);
    const { requestStream, responseStream } = binding.method;
    if (responseStream) return await serveRestStream(arrival, match, answering);
    const codec = replyCodec(binding);
    const requests = requestStream ? readMessages(request, match, answering) : undefined;
    const read = (): unknown => requests ?? readRequest(request, match, answering);
    const call = { endpoint: binding.endpoint, codec, timeoutMs: undefined, read };
    const { reply, error, header, trailer, refused } = await callUnary(arrival, call, answering);
    discard(requests);
    const response =
      reply === undefined
        ? failed(MicrorunError.from(error), headers, refused)
        : await answered(reply, codec.type, headers.get("accept-encoding"));
    addMetadata(response.headers, header);
    addMetadata(response.headers, trailer, "trailer-");
    return response;
  } catch (error) {
    if (!(error instanceof MicrorunError)) throw error;
    return failed(error, headers, true);
  }
}

async function answered(reply: Uint8Array, type: string, accepted: string | null): Promise<Response> {
  const fields = ["content-type", type];
  if (!mayCompress(reply, accepted)) return lazyResponse({ status: 200, fields, bytes: reply });
  fields.push("content-encoding", "gzip", "vary", "accept-encoding");
  return lazyResponse({ status: 200, fields, bytes: await compress(reply) });
}

function failed(error: MicrorunError, headers: Headers, refused: boolean): Response {
  return refused && error.code === "resource_exhausted"
    ? restFailure(error, headers, 413)
    : restFailure(error, headers);
}

/** The path is known, but not by this verb. */
export function wrongVerb({ method, headers }: Request, path: string, allow: readonly string[]): Response {
  const verbs = allow.join(", ");
  const error = new MicrorunError("unimplemented", `${method} ${path}: ask by ${verbs}`);
  const response = restFailure(error, headers, 405);
  response.headers.set("allow", verbs);
  return response;
}
