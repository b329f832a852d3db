/** The HTTP/2 engine under the server: grpc-js for framing, compression and flow control, and nothing above them. */
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import {
  Server as GrpcServer,
  Metadata,
  ServerCredentials,
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
} from "@grpc/grpc-js";
import { formatAddress } from "../../address.ts";
import { codeName, MicrorunError } from "../../errors.ts";
import type { ServerLimits } from "../../transport/transport.ts";
import { maxTimerMs } from "../../wait.ts";
import type { CallHead } from "../call-head.ts";
import { jsonContentType, protoContentType } from "../content.ts";
import type { Exchange, Wire } from "../exchange.ts";
import { recordOf } from "../header-record.ts";
import { detailsField } from "../status.ts";
import { gatherWrites } from "./gather.ts";
import { type IdleWatch, watchIdle } from "./idle.ts";
import { leaveSession, refuseStream } from "./leave.ts";

export interface EngineOptions {
  readonly maxMessageBytes: number;
  readonly limits: ServerLimits;
  /** One more call is refused, to be tried elsewhere. */
  readonly full: () => boolean;
  /** Undefined: no gRPC call, it goes to `other`. */
  readonly readHead: (headers: IncomingHttpHeaders) => CallHead | undefined;
  readonly call: (wire: Wire) => Exchange;
  readonly other: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, peer: string | undefined) => void;
}

export interface Engine {
  /** Takes a connection that speaks HTTP/2. */
  accept(socket: Socket): void;
  /** Tells every client to call elsewhere; resolves when they have heard it and none can still be sending a call. */
  leave(): Promise<void>;
  /** Resolves when no connection is left. */
  closed(): Promise<void>;
}

/**
 * How many streams a client may reset at once, and then in a second, before its connection is closed: a client that cancels
 * calls resets streams, too, and node's bound (1000 and 33) is one of a page's requests.
 */
const resetBurst = 100_000;
const resetsPerSecond = 10_000;

/** A time that does not come: as long as a timer can be set for. */
const never = maxTimerMs;

/** The only method grpc-js knows: streams are routed by us, and handed to it under this name. */
const callPath = "/call";

/** An encoding that does not exist: grpc-js takes a compressed message without `grpc-encoding` for a plain one. */
const noEncoding = "none";

/** What grpc-js reads frames with. */
interface Decoder {
  /** 0 between two messages. */
  readonly readState: number;
  write(data: Buffer): Buffer[];
}

/** As grpc-go words it. */
const badFlag = "unexpected payload format";

/** grpc-js' call, with the two of its own parts that are not in its types. */
interface EngineCall extends ServerInterceptingCallInterface {
  readonly decoder?: Decoder;
}

/** The headers of most replies, made once. */
const plainHeaders = new Map(
  ["application/grpc", protoContentType, jsonContentType].map((type) => [type, headerOf(type)]),
);

type StreamListener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** What grpc-js' own layer of handlers gets in place of the call: it never starts. */
const inert = { start() {} } as unknown as ServerInterceptingCall;

export function createEngine({
  maxMessageBytes,
  limits,
  full,
  readHead,
  call,
  other,
}: EngineOptions): Engine {
  let taken: EngineCall | undefined;
  const server = new GrpcServer({
    "grpc.enable_channelz": 0,
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": -1,
    "grpc.keepalive_time_ms": limits.keepaliveMs || never,
    "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
    "grpc.max_connection_age_ms": limits.maxAgeMs || never,
    "grpc.max_connection_age_grace_ms": limits.ageGraceMs || never,
    interceptors: [
      (_, engineCall) => {
        taken = engineCall;
        return inert;
      },
    ],
  });
  server.register(
    callPath,
    () => {},
    toBuffer,
    (bytes: Buffer) => bytes,
    "bidi",
  );
  const { http2Server, injector } = openInjector(server, limits);
  const [grpcListener] = http2Server.listeners("stream") as unknown[] as StreamListener[];
  http2Server.removeAllListeners("stream");

  const sessions = new Map<ServerHttp2Session, Connected>();
  let leaving = false;

  http2Server.on("sessionError", () => {});
  http2Server.on("session", (session) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const idle = watchIdle(limits.idleMs || never, () => void leaveSession(session));
    sessions.set(session, { peer: peerOf(session), closed: promise, idle });
    session.once("close", () => {
      idle.stop();
      sessions.delete(session);
      resolve();
    });
    if (leaving) void leaveSession(session);
  });

  http2Server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const connected = sessions.get(stream.session as ServerHttp2Session);
    connected?.idle.opened(stream);
    const peer = connected?.peer;
    const head = readHead(headers);
    if (head === undefined) {
      other(stream, headers, peer);
      return;
    }
    if (full()) {
      refuseStream(stream);
      return;
    }
    const encoding = headers["grpc-encoding"];
    const named = encoding !== undefined && encoding !== "identity";
    const engineHeaders = {
      ":path": callPath,
      "content-type": "application/grpc",
      "grpc-encoding": named ? encoding : noEncoding,
    };
    // grpc-js asks its interceptor before its listener returns
    grpcListener?.(stream, engineHeaders);
    const engineCall = taken;
    taken = undefined;
    if (engineCall !== undefined) connect(engineCall, head, peer, call);
  });

  return {
    accept: (socket) => injector.injectConnection(gatherWrites(socket)),
    async leave() {
      leaving = true;
      await Promise.all([...sessions.keys()].map(leaveSession));
    },
    async closed() {
      while (sessions.size > 0) await Promise.all([...sessions.values()].map(({ closed }) => closed));
    },
  };
}

interface Connected {
  readonly peer: string | undefined;
  readonly closed: Promise<void>;
  readonly idle: IdleWatch;
}

/** Joins grpc-js' call to our exchange. */
function connect(
  engineCall: EngineCall,
  head: CallHead,
  peer: string | undefined,
  call: (wire: Wire) => Exchange,
): void {
  const sendStatus = engineCall.sendStatus.bind(engineCall);
  const { contentType, endpoint } = head;
  let headerSent = false;
  const exchange = call({
    head,
    peer,
    read: () => engineCall.startRead(),
    header(fields) {
      headerSent = true;
      engineCall.sendMetadata(
        (fields === undefined ? plainHeaders.get(contentType) : undefined) ?? headerOf(contentType, fields),
      );
    },
    message: (bytes) => engineCall.sendMessage(bytes, () => exchange.flushed(bytes.length)),
    end({ code, message, details }, trailer) {
      const fields = details === undefined ? [] : [detailsField, Buffer.from(details).toString("base64")];
      fields.push(...(trailer ?? []));
      // an answer of trailers alone is a header too
      const metadata = headerSent ? metadataOf(fields) : headerOf(contentType, fields);
      sendStatus({ code, details: message, metadata });
    },
  });
  // what grpc-js finds wrong with a request it would answer itself
  engineCall.sendStatus = ({ code, details }) => exchange.broken(brokenRequest(code, details));
  if (engineCall.decoder !== undefined) engineCall.decoder.write = writeFlagged;
  engineCall.start({
    onReceiveMetadata() {},
    onReceiveMessage: (bytes: Uint8Array) => exchange.message(bytes, 0, bytes.length),
    onReceiveHalfClose() {
      if (engineCall.decoder?.readState)
        exchange.broken(new MicrorunError("internal", "the last message is cut off"));
      // clients on node:http2 end a stream that they cancel, and reset it right after: it must not pass for complete
      else if (endpoint?.method.requestStream) setImmediate(() => exchange.halfClose());
      else exchange.halfClose();
    },
    onCancel: () => exchange.cancelled(),
  });
  exchange.start();
}

/** The decoder's own `write` takes a flag that gRPC does not know for "not compressed". */
function writeFlagged(this: Decoder, data: Buffer): Buffer[] {
  const messages = (Object.getPrototypeOf(this) as Decoder).write.call(this, data);
  for (const [flag = 0] of messages) if (flag > 1) throw new RangeError(`${badFlag} ${flag}`);
  return messages;
}

function headerOf(contentType: string, fields: readonly string[] = []): Metadata {
  return metadataOf([...fields, "content-type", contentType]);
}

function metadataOf(fields: readonly string[]): Metadata {
  return Metadata.fromHttp2Headers(recordOf(fields));
}

function brokenRequest(code: number, details: string): MicrorunError {
  if (details.includes(`unsupported encoding "${noEncoding}"`))
    return new MicrorunError(
      "internal",
      "a message is flagged as compressed, but no grpc-encoding was named",
    );
  return new MicrorunError(details.startsWith(badFlag) ? "internal" : codeName(code), details);
}

/** grpc-js keeps its HTTP/2 server to itself; this is the one place that reaches for it. */
function openInjector(server: GrpcServer, { maxStreams, maxHeaderBytes }: ServerLimits) {
  const hidden = server as unknown as {
    commonServerOptions: { settings?: object; streamResetBurst?: number; streamResetRate?: number };
    createHttp2Server(credentials: ServerCredentials): Http2Server;
  };
  Object.assign(hidden.commonServerOptions, {
    streamResetBurst: resetBurst,
    streamResetRate: resetsPerSecond,
    settings: { maxConcurrentStreams: maxStreams, maxHeaderListSize: maxHeaderBytes },
  });
  const create = hidden.createHttp2Server.bind(server);
  let http2Server: Http2Server | undefined;
  hidden.createHttp2Server = (credentials) => {
    http2Server = create(credentials);
    return http2Server;
  };
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  if (http2Server === undefined) throw new TypeError("grpc-js made no HTTP/2 server");
  return { http2Server: http2Server as Http2Server, injector };
}

function peerOf({ socket }: ServerHttp2Session): string | undefined {
  const { remoteAddress, remotePort } = socket;
  return remoteAddress === undefined
    ? undefined
    : formatAddress({ host: remoteAddress, port: remotePort ?? 0 });
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
