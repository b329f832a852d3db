/** Calls by path: the service and its method found, asked what the request says, answered in the form that it wants. */
import { type Method, severalReplies } from "../call.ts";
import type { CallOptions, Client } from "../client/client.ts";
import { MicrorunError } from "../errors.ts";
import { asksForWebSocket } from "../web-socket.ts";
import { eventStream } from "./event-stream.ts";
import { NoRouteError, StatusError } from "./failure.ts";
import type { GatewayOptions, Names } from "./gateway.ts";
import { createLearnedMethods } from "./learned-methods.ts";
import { type Asked, askedOf, type Content, readContent } from "./request-message.ts";
import { isServiceName, type RpcTarget } from "./rpc-path.ts";
import { createSession, type Session } from "./session.ts";
import { untilGone, type Visit } from "./visit.ts";

export interface RpcAsk extends RpcTarget {
  readonly content: Content;
  /** @default the gateway's */
  readonly timeoutMs?: number;
  /** Calls this one. @default whom the selector picks */
  readonly address?: string;
}

export interface Rpc {
  /** Answers a request at the path of a method. */
  serve(visit: Visit, target: RpcTarget): Promise<Response>;
  answer(visit: Visit, ask: RpcAsk): Promise<Response>;
}

const methods = "GET, POST, PUT, PATCH, DELETE";

/** A service's own, with its log: not for everybody outside. */
const internal = /^Debug\./;

export function createRpc(options: GatewayOptions): Rpc {
  const { bodies, maxMessageBytes, services, compress } = options;
  const nobody = { metadata: new Headers(), signal: new AbortController().signal };
  const learned = createLearnedMethods({
    ask: (service, endpoint) => options.learn(options.client(nobody), service, namesOf(service, endpoint)),
  });

  const open = ({ service, endpoint }: RpcTarget): void => {
    const known = services.length === 0 || services.includes(service);
    if (!known || !isServiceName(service) || internal.test(endpoint)) throw new NoRouteError("not found");
  };
  /** A schema that a request does not fit may be out of date. */
  const prepared = async ({ service, endpoint, content }: RpcAsk): Promise<Asked> => {
    const names = namesOf(service, endpoint);
    try {
      return askedOf(content, names, await learned.of(service, endpoint), bodies);
    } catch (error) {
      if (MicrorunError.from(error).code !== "invalid_argument" || !learned.doubt(service, endpoint))
        throw error;
      return askedOf(content, names, await learned.of(service, endpoint), bodies);
    }
  };

  const answer = async (visit: Visit, ask: RpcAsk): Promise<Response> => {
    open(ask);
    visit.target = `${ask.service} ${ask.endpoint}`;
    const asked = await prepared(ask);
    const { method } = asked;
    const wantsEvents = /\btext\/event-stream\b/.test(visit.request.headers.get("accept") ?? "");
    if (method.requestStream)
      throw new MicrorunError("unimplemented", `${ask.endpoint} takes a stream: call it by a WebSocket`);
    if (method.responseStream && !wantsEvents) throw streams(ask);
    const client = (signal: AbortSignal): Client => options.client({ metadata: visit.headers, signal });
    const address = ask.address === undefined ? {} : { address: ask.address };
    const how = { ...address, type: method };
    if (wantsEvents) return eventStream((left) => replies(client(left), ask, asked, how), method);
    const timeoutMs = ask.timeoutMs ?? options.timeoutMs();
    const endpoint = `${method.service}.${method.name}`;
    using presence = untilGone(visit);
    const { signal } = presence;
    const reply = await client(signal)
      .call(ask.service, endpoint, asked.request, { ...how, timeoutMs })
      .catch((error: unknown) => {
        throw MicrorunError.from(error).reason === severalReplies ? streams(ask) : error;
      });
    return written(visit, method, reply);
  };

  const written = async (visit: Visit, { passing }: Method, reply: unknown): Promise<Response> => {
    const bytes = passing === undefined ? Buffer.from(JSON.stringify(reply)) : (reply as Uint8Array);
    const type =
      passing?.contentType === "application/grpc+proto" ? "application/protobuf" : "application/json";
    const accepted = visit.request.headers.get("accept-encoding");
    const packed = compress ? await bodies.compress(bytes, accepted) : undefined;
    return new Response((packed ?? bytes) as Uint8Array<ArrayBuffer>, {
      headers: {
        "content-type": type,
        ...(compress ? { vary: "accept-encoding" } : {}),
        ...(packed === undefined ? {} : { "content-encoding": "gzip" }),
      },
    });
  };

  const upgraded = async (visit: Visit, target: RpcTarget): Promise<Response> => {
    open(target);
    const { service, endpoint } = target;
    visit.target = `${service} ${endpoint}`;
    const method = await learned.of(service, endpoint);
    const session: Session = createSession({
      target,
      names: namesOf(service, endpoint),
      method,
      fields: visit.url.searchParams,
      bodies,
      maxMessageBytes,
      client: (signal) => options.client({ metadata: visit.headers, signal }),
    });
    visit.upgraded = visit.upgrade?.({ data: session, headers: { "x-request-id": visit.id } }) ?? false;
    if (visit.upgraded) return new Response(null);
    throw new StatusError(426, "it cannot become a WebSocket here", { upgrade: "websocket" });
  };

  return {
    answer,
    async serve(visit, target) {
      const { request, url } = visit;
      if (asksForWebSocket(request)) return upgraded(visit, target);
      if (!methods.split(", ").includes(request.method))
        throw new StatusError(405, `call it by ${methods}`, { allow: methods });
      const content = await readContent(request, url, maxMessageBytes, bodies);
      return answer(visit, { ...target, content });
    },
  };
}

/** A stream as its service sends it; a reply that does not stream is a stream of one. */
function replies(client: Client, ask: RpcAsk, asked: Asked, how: CallOptions): AsyncIterable<unknown> {
  const { method, request } = asked;
  // who tells nothing of itself may stream
  const type = method.passing === undefined ? method : { ...method, responseStream: true };
  return client.stream(ask.service, `${method.service}.${method.name}`, request, { ...how, type });
}

function streams({ endpoint }: RpcAsk): MicrorunError {
  const hint = "ask with accept: text/event-stream, or by a WebSocket";
  return new MicrorunError("unimplemented", `${endpoint} streams: ${hint}`);
}

/** `Greeter.Hello` of greeter is `/greeter.Greeter/Hello`, as go-micro's own clients have it. */
function namesOf(service: string, endpoint: string): Names {
  const dot = endpoint.lastIndexOf(".");
  return { service: `${service}.${endpoint.slice(0, dot)}`, method: endpoint.slice(dot + 1) };
}
