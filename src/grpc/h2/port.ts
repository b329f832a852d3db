/** A listening port on the runtime's own sockets that tells HTTP/2 from everything else by a connection's first bytes. */
import { createSecureContext } from "node:tls";
import { parseAddress } from "../../address.ts";
import type { OpenSocket, Sockets, SocketUser } from "../../h2/h2.ts";
import type { Tls } from "../../transport/transport.ts";
import { pause } from "../../wait.ts";
import { certificateError, listenAt } from "../listening.ts";
import { lastWordsMs, maxSilenceMs, maxSilent, type Port, preface } from "../port.ts";

export interface H2PortOptions {
  /** `host:port`, `:port` or `unix:/path`. */
  readonly address: string;
  readonly tls: Tls | undefined;
  /** Several processes may listen there. */
  readonly shared: boolean;
  /** One more is closed at once. */
  readonly maxConnections: number;
  readonly sockets: Sockets;
  /** Takes a connection that speaks HTTP/2; undefined: it has been closed. */
  readonly http2: (socket: OpenSocket) => SocketUser | undefined;
  /** Takes any other. Absent: they are closed. */
  readonly other: ((socket: OpenSocket) => SocketUser | undefined) | undefined;
}

/** How long the other end may take to close, in ms: what was sent last must arrive. */
const lingerMs = 500;

/** A connection that is silent for so long may have to make room for a new one. */
const minSilenceMs = 1000;

/** What a client over TLS may choose. */
const protocols = ["h2", "http/1.1"];

/** @throws MicrorunError `already_exists`, `permission_denied` or `invalid_argument` */
export async function openH2Port({
  address,
  tls,
  shared,
  maxConnections,
  sockets,
  http2,
  other,
}: H2PortOptions): Promise<Port> {
  const target = parseAddress(address);
  if (tls !== undefined) checkCertificate(tls);
  /** Since when each has been, oldest first. */
  const silent = new Map<OpenSocket, number>();
  const open = new Set<OpenSocket>();
  let connections = 0;

  const accept = (socket: OpenSocket): SocketUser | undefined => {
    if (connections >= maxConnections) {
      socket.terminate();
      return undefined;
    }
    connections++;
    open.add(socket);
    const [longest] = silent;
    const now = performance.now();
    // in a storm of new connections what they have said may not be read yet
    if (longest !== undefined && silent.size >= maxSilent && now - longest[1] > minSilenceMs)
      longest[0].terminate();
    silent.set(socket, now);
    let timer = setTimeout(() => socket.terminate(), maxSilenceMs);
    let user: SocketUser | undefined;
    let begun: Buffer | undefined;
    const settle = (): void => {
      clearTimeout(timer);
      silent.delete(socket);
    };
    /** Not cut: a reset would overtake what an engine has said, and says less than an end. */
    const refuse = (): void => {
      socket.end();
      timer = setTimeout(() => socket.terminate(), lingerMs);
    };
    const choose = (begin: string): SocketUser | undefined => {
      if (begin === preface) return http2(socket);
      if (other === undefined) return undefined;
      open.delete(socket);
      return other(socket);
    };
    return {
      receive(bytes) {
        if (user !== undefined) return user.receive(bytes);
        if (!silent.has(socket)) return;
        begun = begun === undefined ? bytes : Buffer.concat([begun, bytes]);
        const begin = begun.toString("latin1", 0, preface.length);
        if (begin.length < preface.length && preface.startsWith(begin)) return;
        settle();
        user = choose(begin);
        if (user === undefined) refuse();
        else user.receive(begun);
        begun = undefined;
      },
      writable: () => user?.writable(),
      gone() {
        connections--;
        settle();
        open.delete(socket);
        user?.gone();
      },
    };
  };

  const listener = await listenAt(target, () =>
    sockets.listen({ address, tls, shared, protocols, open: accept }),
  );
  return {
    address: listener.address,
    renew(next) {
      checkCertificate(next);
      listener.renew(next);
    },
    async close() {
      await listener[Symbol.asyncDispose]();
      await pause(lastWordsMs);
    },
    cut() {
      for (const socket of open) socket.terminate();
    },
  };
}

/** Of what a library says of a certificate and a system of an address, both thrown by `listen`, this is told apart. */
function checkCertificate({ cert, key, ca }: Tls): void {
  try {
    createSecureContext({ cert, key, ca });
  } catch (error) {
    throw certificateError(error);
  }
}
