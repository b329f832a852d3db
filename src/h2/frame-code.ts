/** The numbers of frames (RFC 9113 §4.1, §6, §6.5.2, §8.4). */

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flags = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

export const settingIds = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

export const headBytes = 9;
/** Of a payload, both ways: the smallest that a peer must take, so that no stream holds up another. */
export const maxFrameBytes = 16_384;
/** The most that the peer may ask for. */
export const maxFrameSizeSetting = 16_777_215;
export const maxWindow = 0x7fffffff;
export const maxStreamId = 0x7fffffff;
/** Before either side has said otherwise. */
export const initialWindow = 65_535;
export const pingBytes = 8;
export const settingBytes = 6;

/** What a client says first (§3.4). */
export const preface: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
