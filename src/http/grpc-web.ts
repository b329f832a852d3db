/** gRPC-Web, as browsers' clients speak it (grpc/doc/PROTOCOL-WEB.md): envelopes, the status in the last one, in base64 where asked so. */
import { richDetails } from "../error-details.ts";
import { codes, MicrorunError } from "../errors.ts";
import { encodeText, readGrpcTimeout } from "../grpc-fields.ts";
import { lazyResponse } from "../lazy-response.ts";
import type { Endpoint } from "../service/service.ts";
import { readBody, wholeBody } from "./body.ts";
import { type Codec, codecNamed, mediaType } from "./codec.ts";
import { full } from "./connect-request.ts";
import { envelope, headBytes, packingOf, readEnvelope } from "./envelope.ts";
import { type StreamForm, serveStream } from "./enveloped-stream.ts";
import { fromText, fromTextStream, textBytes, toText } from "./grpc-web-text.ts";
import { type Answering, type Arrival, addMetadata, callUnary, eachSent } from "./unary.ts";

const types = /^application\/grpc-web(-text)?(?:\+(proto|json))?$/;
const trailersFlag = 0x80;

export function isGrpcWeb({ method, headers }: Request): boolean {
  return method === "POST" && types.test(mediaType(headers));
}

/** Whatever comes of it, the status of HTTP is 200: clients look for gRPC's. */
export async function serveGrpcWeb(
  arrival: Arrival,
  endpoint: Endpoint,
  answering: Answering,
): Promise<Response> {
  const { request } = arrival;
  const { method } = endpoint;
  try {
    const codec = codecFor(request, endpoint);
    const timeout = request.headers.get("grpc-timeout");
    const timeoutMs = timeout === null ? undefined : readGrpcTimeout(timeout);
    if (method.requestStream || method.responseStream)
      return await serveStream(arrival, { endpoint, codec, timeoutMs, form: formOf(request) }, answering);
    const read = (): unknown => readMessage(request, endpoint, codec, answering);
    const outcome = await callUnary(arrival, { endpoint, codec, timeoutMs, read }, answering);
    const { reply, error, header, trailer } = outcome;
    const end = trailers(error, trailer);
    const response = answer(request, reply === undefined ? end : Buffer.concat([envelope(reply), end]));
    if (header !== undefined) addMetadata(response.headers, header);
    return response;
  } catch (error) {
    if (!(error instanceof MicrorunError)) throw error;
    return grpcWebFailure(request, error);
  }
}

/** An answer to a call that never began. */
export function grpcWebFailure(request: Request, error: MicrorunError): Response {
  return answer(request, trailers(error, undefined));
}

/** @throws MicrorunError `unimplemented` for protobuf where there is no schema */
function codecFor({ headers }: Request, { method }: Endpoint): Codec {
  const [type, text = "", name = "proto"] = types.exec(mediaType(headers)) ?? [];
  const codec = codecNamed(name, method);
  if (codec !== undefined) return codec;
  const takes = `${full(method)} has no .proto and takes application/grpc-web${text}+json`;
  throw new MicrorunError("unimplemented", `content-type ${type}: ${takes}`);
}

function isText({ headers }: Request): boolean {
  return types.exec(mediaType(headers))?.[1] !== undefined;
}

function answer(request: Request, frames: Uint8Array): Response {
  const bytes = isText(request) ? toText(frames) : frames;
  return lazyResponse({ status: 200, fields: ["content-type", mediaType(request.headers)], bytes });
}

function readMessage(
  request: Request,
  { method }: Endpoint,
  codec: Codec,
  { maxBodyBytes }: Answering,
): unknown {
  const text = isText(request);
  const packing = packingOf(request.headers, "grpc-encoding");
  const messageOf = (body: Uint8Array): unknown => {
    const message = readEnvelope(text ? fromText(body) : body, packing, maxBodyBytes);
    if (message instanceof Promise) return message.then((bytes) => codec.decode(method, bytes));
    return codec.decode(method, message);
  };
  const bodyBytes = text ? textBytes(maxBodyBytes) : headBytes + maxBodyBytes;
  const whole = wholeBody(request, bodyBytes);
  return whole === undefined ? readBody(request, maxBodyBytes, bodyBytes).then(messageOf) : messageOf(whole);
}

function formOf(request: Request): StreamForm {
  const text = isText(request);
  const { headers, body } = request;
  return {
    type: mediaType(headers),
    body: text && body !== null ? fromTextStream(body) : body,
    packing: packingOf(headers, "grpc-encoding"),
    end: trailers,
    ...(text ? { write: toText } : {}),
  };
}

function trailers(error: MicrorunError | undefined, sent: Headers | undefined): Uint8Array {
  let lines = `grpc-status: ${error === undefined ? 0 : codes[error.code]}\r\n`;
  if (error !== undefined) {
    const details = richDetails(error);
    if (error.message !== "") lines += `grpc-message: ${encodeText(error.message)}\r\n`;
    if (details.length > 0)
      lines += `grpc-status-details-bin: ${Buffer.from(details).toString("base64")}\r\n`;
  }
  eachSent(sent, (name, value) => {
    lines += `${name}: ${value}\r\n`;
  });
  return envelope(Buffer.from(lines), trailersFlag);
}
