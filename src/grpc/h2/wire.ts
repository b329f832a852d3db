/** The wire of a server on our own HTTP/2 engine: its connections, its calls and web requests, and how they leave. */
import { codes } from "../../errors.ts";
import {
  type Engine,
  errorCodes,
  type HeaderBlock,
  type Limits,
  type Session,
  type Sockets,
} from "../../h2/h2.ts";
import type { ServerLimits } from "../../transport/transport.ts";
import type { CallHead } from "../call-head.ts";
import { recordOf } from "../header-record.ts";
import type { Fields } from "../metadata.ts";
import type { OpenWire, WireOptions } from "../wire.ts";
import { openH2Port } from "./port.ts";
import { serveStream } from "./served.ts";
import { serveWebRequest } from "./web-request.ts";

/** Where HTTP/2 comes from: what a process has one of. */
export interface Http2 {
  readonly engine: Engine;
  readonly sockets: Sockets;
}

/** Of header blocks, encoded. */
const usualBlockBytes = 65_536;
/** RFC 9113 §4.2: what a frame holds unless another size was agreed. */
const frameBytes = 16_384;

/** What a request's head says, made once for heads that repeat. */
interface Head {
  readonly headers: Fields;
  /** Undefined: a web request. */
  readonly call: CallHead | undefined;
}

const headTooLarge = [":status", "431"];
const callTooLarge = [
  ...[":status", "200", "content-type", "application/grpc"],
  ...["grpc-status", String(codes.resource_exhausted), "grpc-message", "the header fields are too large"],
];
const noWeb = [":status", "415"];

const stopped = { code: errorCodes.cancel, reason: "the server stops", unsent: false };

/** For a request that is answered as it comes. */
const nobody = { data() {}, end() {}, reset() {} };

export function openH2Wire({ engine, sockets }: Http2): OpenWire {
  return async (options: WireOptions) => {
    const { address, tls, shared, limits, web, log, readHead, full, request } = options;
    const secure = tls !== undefined;
    const sessions = new Set<Session>();
    /** Of each connection, when its socket has closed. */
    const gone = new Set<Promise<void>>();
    let leaving = false;

    const headOf = (block: HeaderBlock): Head => {
      if (block.note === undefined) {
        const headers = recordOf(block.fields);
        block.note = { headers, call: readHead(headers) } satisfies Head;
      }
      return block.note as Head;
    };

    const port = await openH2Port({
      address,
      tls,
      shared,
      maxConnections: limits.maxConnections,
      sockets,
      other: web && ((socket) => web.accept(socket, secure)),
      http2(socket) {
        const peer = socket.peer === "" ? undefined : socket.peer;
        const session = engine.serve(
          socket,
          (stream, block, bodiless) => {
            const { headers, call } = headOf(block);
            if (block.truncated) {
              stream.endWith(call !== undefined ? callTooLarge : headTooLarge);
              stream.reset(errorCodes.noError);
              return nobody;
            }
            if (call !== undefined) {
              if (!full()) return serveStream(stream, call, peer, options);
              stream.reset(errorCodes.refusedStream);
              return nobody;
            }
            if (web === undefined) {
              stream.endWith(noWeb);
              stream.reset(errorCodes.noError);
              return nobody;
            }
            const ended = request(() => {
              stream.reset(errorCodes.cancel);
              listener.reset(stopped);
            });
            if (ended === undefined) {
              stream.reset(errorCodes.refusedStream);
              return nobody;
            }
            const how = { fetch: web.fetch, peer, secure, log, ended };
            const listener = serveWebRequest(stream, headers, !bodiless, how);
            return listener;
          },
          connectionLimits(limits),
        );
        if (session === undefined) return undefined;
        sessions.add(session);
        if (leaving) session.drain();
        const { promise, resolve } = Promise.withResolvers<void>();
        gone.add(promise);
        return {
          receive: (bytes) => session.receive(bytes),
          writable: () => session.writable(),
          gone() {
            session.gone();
            sessions.delete(session);
            gone.delete(promise);
            resolve();
          },
        };
      },
    });

    return {
      address: port.address,
      renew: port.renew,
      close: port.close,
      async leave() {
        leaving = true;
        for (const session of sessions) session.drain();
        await Promise.all([...sessions].map((session) => session.closed));
      },
      // not as soon as they have ended: cut before the peer has read everything, they would take it along
      async closed() {
        while (gone.size > 0) await Promise.all(gone);
      },
      cut() {
        for (const session of sessions) void session[Symbol.asyncDispose]();
        port.cut();
      },
    };
  };
}

function connectionLimits({ maxHeaderBytes, ...limits }: ServerLimits): Partial<Limits> {
  // what is too much for a call is answered, and the connection goes on: its own bounds are no less than usual
  return {
    ...limits,
    maxHeaderListBytes: maxHeaderBytes,
    // as net/http has it: one call with a little too much must not take those of others along
    maxHeaderBlockBytes: 2 * Math.max(maxHeaderBytes, usualBlockBytes),
    maxContinuations: Math.ceil(Math.max(2 * maxHeaderBytes, 4 * usualBlockBytes) / frameBytes),
  };
}
