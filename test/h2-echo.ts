/** A server on the HTTP/2 engine that answers requests by their path, and what stands behind each. */
import { bunSockets } from "../src/h2/bun-sockets.ts";
import { type EngineOptions, http2Engine } from "../src/h2/engine.ts";
import type { Accept, Engine, Session, Sockets, SocketTls, Stream, StreamListener } from "../src/h2/h2.ts";
import { fieldValue } from "../src/h2/header-rules.ts";
import type { Limits } from "../src/h2/limits.ts";

export interface EchoServer extends AsyncDisposable {
  readonly address: string;
  readonly engine: Engine;
  readonly sessions: ReadonlySet<Session>;
}

export interface EchoOptions {
  readonly address?: string;
  readonly tls?: SocketTls;
  readonly limits?: Partial<Limits>;
  readonly engine?: EngineOptions;
  readonly sockets?: Sockets;
  readonly accept?: Accept;
}

const plain = [":status", "200", "content-type", "text/plain"];
const trailers = ["x-end", "yes"];

/** `/echo` sends the body back, `/bytes/N` sends N bytes, `/never` nothing, anything else `hello`. */
export const echo: Accept = (stream, request) => {
  const path = fieldValue(request.fields, ":path") ?? "/";
  if (path === "/echo") return echoed(stream);
  const [, count] = /^\/bytes\/(\d+)$/.exec(path) ?? [];
  return {
    data(_, start, end) {
      stream.credit(end - start);
      stream.release(end - start);
    },
    end() {
      if (path === "/never") return;
      stream.send(plain);
      stream.write(count === undefined ? Buffer.from("hello") : Buffer.alloc(Number(count), "x"));
      stream.endWith(trailers);
    },
    reset() {},
  };
};

/** Takes no more than it can send. */
function echoed(stream: Stream): StreamListener {
  stream.send(plain);
  return {
    data(bytes, start, end) {
      const done = (): void => {
        stream.credit(end - start);
        stream.release(end - start);
      };
      if (stream.write(bytes.subarray(start, end))) done();
      else void stream.ready()?.then(done);
    },
    end: () => stream.endWith(trailers),
    reset() {},
  };
}

export async function echoServer(options: EchoOptions = {}): Promise<EchoServer> {
  const { address = "127.0.0.1:0", tls, limits, accept = echo, sockets = bunSockets() } = options;
  const engine = http2Engine({ fault: console.error, ...options.engine });
  const sessions = new Set<Session>();
  const listener = await sockets.listen({
    address,
    tls,
    open(socket) {
      const session = engine.serve(socket, accept, limits);
      if (session === undefined) return undefined;
      sessions.add(session);
      void session.closed.then(() => sessions.delete(session));
      return session;
    },
  });
  return {
    address: listener.address,
    engine,
    sessions,
    async [Symbol.asyncDispose]() {
      await listener[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

if (import.meta.main) {
  const server = await echoServer({ address: process.argv[2] ?? "127.0.0.1:0" });
  console.log(server.address);
}
