/** Every bound of one connection, with its default. */

export interface Limits {
  /** Streams that a peer may have open; told to it. @default 250 */
  readonly maxStreams: number;
  /** A client's requests that may wait for the peer's own limit. @default 10_000 */
  readonly maxWaiting: number;
  /** Of a header list as RFC 9113 §6.5.2 counts it; told to the peer. What is beyond is dropped. @default 65_536 */
  readonly maxHeaderListBytes: number;
  /** Of a header block still encoded, over all its frames. @default 65_536 */
  readonly maxHeaderBlockBytes: number;
  /** Frames that may continue a header block. @default 16 */
  readonly maxContinuations: number;
  /** What a peer may send on a stream before it is credited. @default 262_144 */
  readonly streamWindowBytes: number;
  /** The same for the connection, credited as bytes arrive so that no stream waits for another. @default 1_048_576 */
  readonly connectionWindowBytes: number;
  /** What may wait for the peer's windows before the connection gets no new streams. @default 8_388_608 */
  readonly maxQueuedBytes: number;
  /** Framed bytes that a peer may leave unread before it is cut. @default 1_572_864 */
  readonly maxUnsentBytes: number;
  /** For the preface and the first SETTINGS, and for a header block from its first frame to its last. @default 10_000 */
  readonly handshakeMs: number;
  /** Without streams, then drain; 0: never. @default 0 */
  readonly idleMs: number;
  /** Without a byte from the peer, then PING; 0: never. @default 0 */
  readonly keepaliveMs: number;
  /** For the answer to that PING. @default 20_000 */
  readonly keepaliveTimeoutMs: number;
  /** For a peer to take anything of what waits for it. @default 120_000 */
  readonly stallMs: number;
  /** Of a connection, then drain, a tenth sooner or later; 0: never. @default 0 */
  readonly maxAgeMs: number;
  /** For the streams of a connection that drains for its age, then it is cut; 0: any time. @default 0 */
  readonly ageGraceMs: number;
  /** Compress the strings of header fields (RFC 7541 §5.2): fewer bytes, more work. @default false */
  readonly huffman: boolean;
}

export const defaultLimits: Limits = {
  maxStreams: 250,
  maxWaiting: 10_000,
  maxHeaderListBytes: 65_536,
  maxHeaderBlockBytes: 65_536,
  maxContinuations: 16,
  streamWindowBytes: 262_144,
  connectionWindowBytes: 1_048_576,
  maxQueuedBytes: 8_388_608,
  maxUnsentBytes: 1_572_864,
  handshakeMs: 10_000,
  idleMs: 0,
  keepaliveMs: 0,
  keepaliveTimeoutMs: 20_000,
  stallMs: 120_000,
  maxAgeMs: 0,
  ageGraceMs: 0,
  huffman: false,
};
