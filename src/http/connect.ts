/** The Connect protocol for unary calls, by POST and GET (connectrpc.com/docs/protocol); plain JSON clients speak it unawares. */
import { MicrorunError } from "../errors.ts";
import { lazyResponse } from "../lazy-response.ts";
import type { Endpoint } from "../service/service.ts";
import { compress, decompress, mayCompress } from "./body.ts";
import { type Codec, codecNamed, codecNames } from "./codec.ts";
import { failure } from "./connect-error.ts";
import {
  checkVersion,
  codecOf,
  full,
  readMessage,
  readTimeout,
  wrongMethod,
  wrongType,
} from "./connect-request.ts";
import { connectForm } from "./connect-stream.ts";
import { serveStream } from "./enveloped-stream.ts";
import { type Answering, type Arrival, addMetadata, callUnary, type Outcome } from "./unary.ts";

export async function serveConnect(
  arrival: Arrival,
  endpoint: Endpoint,
  answering: Answering,
): Promise<Response> {
  const { request } = arrival;
  const { method } = endpoint;
  const stream = method.requestStream || method.responseStream;
  const byGet = request.method !== "POST" && method.idempotent && !stream && isGet.test(request.method);
  if (request.method !== "POST" && !byGet) return wrongMethod(method);
  try {
    checkVersion(request);
    const timeoutMs = readTimeout(request.headers);
    if (byGet) return await serveGet(arrival, endpoint, timeoutMs, answering);
    const codec = codecOf(request.headers, method, answering);
    if (codec === undefined) return wrongType(request.headers, method);
    if (stream) {
      const form = connectForm(request, codec);
      return await serveStream(arrival, { endpoint, codec, timeoutMs, form }, answering);
    }
    const read = (): unknown => readMessage(request, method, codec, answering);
    const outcome = await callUnary(arrival, { endpoint, codec, timeoutMs, read }, answering);
    return respond(outcome, codec, request.headers.get("accept-encoding"));
  } catch (error) {
    if (!(error instanceof MicrorunError)) throw error;
    return failure(error);
  }
}

const isGet = /^(GET|HEAD)$/;

async function serveGet(
  arrival: Arrival,
  endpoint: Endpoint,
  timeoutMs: number | undefined,
  answering: Answering,
): Promise<Response> {
  const { method } = endpoint;
  const query = new URL(arrival.request.url).searchParams;
  const codec = codecNamed(query.get("encoding") ?? "json", method);
  if (codec === undefined)
    throw new MicrorunError(
      "unimplemented",
      `encoding ${query.get("encoding")}: ${full(method)} takes ${codecNames(method).join(" and ")}`,
    );
  const read = async (): Promise<unknown> => {
    const message = query.get("message");
    if (message === null)
      throw new MicrorunError("invalid_argument", "query: the parameter message is missing", {
        hint: "send ?encoding=json&message={}",
      });
    const bytes = query.get("base64") === "1" ? fromBase64(message) : Buffer.from(message);
    return codec.decode(method, await decompress(bytes, query.get("compression"), answering.maxBodyBytes));
  };
  const outcome = await callUnary(arrival, { endpoint, codec, timeoutMs, read }, answering);
  return respond(outcome, codec, arrival.request.headers.get("accept-encoding"));
}

/** Either alphabet, padded or not. */
function fromBase64(text: string): Buffer {
  if (!/^([\w+/-]{4})*([\w+/-]{2,3}={0,2})?$/.test(text))
    throw new MicrorunError("invalid_argument", "query: the parameter message is not base64");
  return Buffer.from(text, "base64url");
}

function respond(outcome: Outcome, codec: Codec, accepted: string | null): Response | Promise<Response> {
  const { reply, header, trailer } = outcome;
  if (reply === undefined) return withMetadata(failed(outcome), outcome);
  if (mayCompress(reply, accepted)) return compressed(reply, codec, outcome);
  const response = lazyResponse({ status: 200, fields: types[codec.name], bytes: reply });
  return header === undefined && trailer === undefined ? response : withMetadata(response, outcome);
}

const types = {
  json: ["content-type", "application/json"],
  proto: ["content-type", "application/proto"],
} as const;

async function compressed(reply: Uint8Array, codec: Codec, outcome: Outcome): Promise<Response> {
  const fields = [...types[codec.name], "content-encoding", "gzip", "vary", "accept-encoding"];
  return withMetadata(lazyResponse({ status: 200, fields, bytes: await compress(reply) }), outcome);
}

function withMetadata(response: Response, { header, trailer }: Outcome): Response {
  addMetadata(response.headers, header);
  addMetadata(response.headers, trailer, "trailer-");
  return response;
}

function failed({ error, refused }: Outcome): Response {
  const why = MicrorunError.from(error);
  return refused && why.code === "resource_exhausted" ? failure(why, 413) : failure(why);
}
