/** Reads what a WebSocket's client sends (RFC 6455 §5): frames unmasked, fragments joined, mistakes named by their close code. */

export const opcodes = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** RFC 6455 §7.4.1 */
export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  protocol: 1002,
  /** No code was sent; never on the wire. */
  none: 1005,
  /** No close was sent; never on the wire. */
  lost: 1006,
  badText: 1007,
  tooLarge: 1009,
} as const;

export interface FrameListener {
  message(message: string | Buffer): void;
  ping(data: Buffer): void;
  pong(data: Buffer): void;
  close(code: number, reason: string): void;
  /** Nothing follows. */
  broken(code: number, reason: string): void;
}

interface Frame {
  readonly opcode: number;
  readonly isLast: boolean;
  readonly length: number;
  readonly maskAt: number;
}

const maxControlBytes = 125;
/** Of one message; so many tiny fragments are an attack. */
const maxFragments = 1024;

const strictText = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @returns what takes each chunk as it comes */
export function webSocketReader(maxMessageBytes: number, listener: FrameListener): (bytes: Buffer) => void {
  /** Chunks of a frame that is not whole, joined when it is: joining at each would cost their square. */
  let chunks: Buffer[] = [];
  let heldBytes = 0;
  /** Bytes that make it worth to look again. */
  let neededBytes = 2;
  /** Of a message that goes on. */
  let fragments: Buffer[] = [];
  let fragmentBytes = 0;
  let opcode = 0;
  let over = false;

  const broken = (code: number, reason: string): void => {
    over = true;
    chunks = fragments = [];
    listener.broken(code, reason);
  };

  /** Undefined: more is needed, or it is none. */
  const readHead = (bytes: Buffer, at: number): Frame | undefined => {
    const left = bytes.length - at;
    const first = bytes[at]!;
    const second = bytes[at + 1]!;
    const short = second & 0x7f;
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
    neededBytes = 6 + extra;
    if (second < 0x80) {
      broken(closeCodes.protocol, "a frame is not masked");
      return undefined;
    }
    if (left < neededBytes) return undefined;
    const frame: Frame = {
      opcode: first & 0x0f,
      isLast: first >= 0x80,
      length: extra === 0 ? short : extra === 2 ? bytes.readUInt16BE(at + 2) : longLength(bytes, at + 2),
      maskAt: at + 2 + extra,
    };
    const fault = faultOf(frame, first);
    if (fault !== undefined) broken(...fault);
    return fault === undefined ? frame : undefined;
  };

  const faultOf = (frame: Frame, first: number): [number, string] | undefined => {
    const isControl = frame.opcode >= opcodes.close;
    if ((first & 0x70) !== 0) return [closeCodes.protocol, "reserved bits are set"];
    if (isControl && (!frame.isLast || frame.length > maxControlBytes))
      return [closeCodes.protocol, "a control frame is too large"];
    if (!(isControl ? frame.opcode <= opcodes.pong : frame.opcode <= opcodes.binary))
      return [closeCodes.protocol, "an unknown opcode"];
    if (!isControl && (frame.opcode === opcodes.more) !== (opcode !== 0))
      return [closeCodes.protocol, "a fragment out of place"];
    if (!isControl && fragmentBytes + frame.length > maxMessageBytes)
      return [closeCodes.tooLarge, "the message is too large"];
    return undefined;
  };

  const takeData = ({ isLast, opcode: own }: Frame, payload: Buffer): void => {
    if (own !== opcodes.more) opcode = own;
    if (!isLast || fragments.length > 0) {
      fragments.push(payload);
      fragmentBytes += payload.length;
    }
    if (!isLast) {
      if (fragments.length > maxFragments) broken(closeCodes.tooLarge, "too many fragments");
      return;
    }
    const whole = fragments.length > 0 ? Buffer.concat(fragments, fragmentBytes) : payload;
    const isText = opcode === opcodes.text;
    fragments = [];
    fragmentBytes = opcode = 0;
    const text = isText ? decoded(whole) : whole;
    if (text === undefined) broken(closeCodes.badText, "the text is not UTF-8");
    else listener.message(text);
  };

  const takeClose = (payload: Buffer): void => {
    over = true;
    const isEmpty = payload.length === 0;
    const code = payload.length < 2 ? 0 : payload.readUInt16BE(0);
    const reason = decoded(payload.subarray(2));
    if (isEmpty) listener.close(closeCodes.none, "");
    else if (!isCloseCode(code)) broken(closeCodes.protocol, "an invalid close code");
    else if (reason === undefined) broken(closeCodes.badText, "the reason is not UTF-8");
    else listener.close(code, reason);
  };

  const takeFrame = (frame: Frame, payload: Buffer): void => {
    if (frame.opcode === opcodes.close) takeClose(payload);
    else if (frame.opcode === opcodes.ping) listener.ping(payload);
    else if (frame.opcode === opcodes.pong) listener.pong(payload);
    else takeData(frame, payload);
  };

  return (chunk) => {
    if (over) return;
    chunks.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes < neededBytes) return;
    const bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks, heldBytes);
    let at = 0;
    neededBytes = 2;
    while (!over && bytes.length - at >= 2) {
      const frame = readHead(bytes, at);
      if (frame === undefined) break;
      const start = frame.maskAt + 4;
      neededBytes = start - at + frame.length;
      if (bytes.length - at < neededBytes) break;
      at = start + frame.length;
      neededBytes = 2;
      takeFrame(frame, unmasked(bytes, frame.maskAt, start, at));
    }
    chunks = over || at === bytes.length ? [] : [bytes.subarray(at)];
    heldBytes = bytes.length - at;
  };
}

/** A copy: a small message does not keep the chunk that it came in. */
function unmasked(bytes: Buffer, maskAt: number, start: number, end: number): Buffer {
  const payload = Buffer.allocUnsafeSlow(end - start);
  for (let i = 0; i < payload.length; i++) payload[i] = bytes[start + i]! ^ bytes[maskAt + (i & 3)]!;
  return payload;
}

/** More than can be counted is more than is taken. */
function longLength(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

function decoded(bytes: Buffer): string | undefined {
  try {
    return strictText.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Those that may be on the wire. */
export function isCloseCode(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999)
  );
}
