/** What a connection and its streams know: read and written by the files that each do one thing with it. */
import type { FloodBudget } from "./flood-budget.ts";
import type { Accept, ByteSocket, Ending, Fields, Stream, StreamListener } from "./h2.ts";
import type { HpackDecoder } from "./hpack-decoder.ts";
import type { HpackEncoder } from "./hpack-encoder.ts";
import type { Limits } from "./limits.ts";
import type { Account, Memory } from "./memory.ts";
import type { Output } from "./output.ts";

/** A header block in its encoded form, good as long as the encoder's version is. */
export interface EncodedBlock {
  readonly version: number;
  readonly bytes: Uint8Array;
  /** Of the list, decoded. */
  readonly listBytes: number;
}

export interface Connection {
  readonly isServer: boolean;
  readonly limits: Limits;
  readonly socket: ByteSocket;
  readonly output: Output;
  readonly encoder: HpackEncoder;
  readonly decoder: HpackDecoder;
  readonly encodedBlocks: Map<Fields, EncodedBlock>;
  readonly budget: FloodBudget;
  readonly memory: Memory;
  readonly account: Account;
  readonly now: () => number;
  /** Takes a server's requests. */
  readonly accept: Accept | undefined;
  /** A fault of ours, or of a listener's. */
  readonly fault: (error: unknown) => void;
  readonly closing: PromiseWithResolvers<Ending>;

  readonly streams: Map<number, StreamState>;
  /** A client's streams that have no id yet, oldest first. */
  readonly waiting: Set<StreamState>;
  /** Streams with something to send that the connection has no room for. */
  blocked: StreamState[];
  /** Ids of streams closed last, by half the id; negative: we reset it, and what comes late is no mistake. */
  readonly recent: Int32Array;
  /** The highest id that the peer has opened. */
  lastPeerStream: number;
  /** Requests taken in this turn. */
  taken: number;
  /** The id of the next stream that we open. */
  nextStream: number;

  /** The peer's first SETTINGS has come. */
  settled: boolean;
  settingsAcked: boolean;
  /** What the peer lets us have open. */
  peerMaxStreams: number;
  /** What the peer takes of a header list; infinite: it has not said. */
  peerMaxHeaderListBytes: number;
  peerInitialWindow: number;
  sendWindow: number;
  receiveWindow: number;
  /** Received, and not given back to the peer by WINDOW_UPDATE. */
  uncredited: number;
  /** What streams have pending, in all. */
  queuedBytes: number;
  /** Of the output, the part that memory was charged for. */
  chargedOutput: number;

  closed: boolean;
  draining: boolean;
  /** The last stream that our GOAWAY lets in. */
  goAwayLast: number;
  readonly bornAt: number;
  /** When it drains by itself for its age. */
  readonly agesAt: number;
  lastReadAt: number;
  /** When the last stream ended. */
  idleAt: number;
  drainedAt: number;
  closedAt: number;
  /** When an unanswered PING was sent; 0: none. */
  pingedAt: number;
  /** When an unfinished header block began; 0: none. */
  headersAt: number;
  /** The peer's SETTINGS were read. */
  readonly onSettings: () => void;
  /** A stream has gone: there may be room for one that waits. */
  readonly onRoom: () => void;
}

export interface StreamState extends Stream {
  readonly connection: Connection;
  id: number;
  closed: boolean;
  listener: StreamListener;
  /** The request of a stream that waits. */
  request: { readonly shared: Fields; readonly own: Fields | undefined } | undefined;
  /** A HEAD request: its response has a length and no body. */
  isHead: boolean;

  sendWindow: number;
  receiveWindow: number;
  uncredited: number;
  /** Received, and not released. */
  heldBytes: number;
  /** Of the body, still to come by its content-length; -1: not said. */
  expectedBytes: number;
  /** The head that is not of status 1xx has come. */
  headed: boolean;
  remoteEnded: boolean;
  localEnded: boolean;

  /** Written, and not framed; of the first, what is before `pendingAt` has been. */
  pending: Uint8Array[];
  pendingAt: number;
  pendingBytes: number;
  /** When some of it was last framed. */
  movedAt: number;
  endWanted: boolean;
  trailers: { readonly shared: Fields; readonly own: Fields | undefined } | undefined;
  wake: (() => void) | undefined;
  /** Is in `connection.blocked`. */
  isBlocked: boolean;
}
