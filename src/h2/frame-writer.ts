/** Frames that say something about a connection or a stream, written (RFC 9113 §6.4–§6.9). */
import { flags, frameTypes, headBytes, pingBytes, settingBytes } from "./frame-code.ts";
import { flushSoon, type Output, openFrame, putUint32, room } from "./output.ts";

export function writeReset(output: Output, stream: number, code: number): void {
  openFrame(output, 4, frameTypes.resetStream, 0, stream);
  putUint32(output, code);
  flushSoon(output);
}

/** @param stream 0 for the connection */
export function writeWindowUpdate(output: Output, stream: number, bytes: number): void {
  openFrame(output, 4, frameTypes.windowUpdate, 0, stream);
  putUint32(output, bytes);
  flushSoon(output);
}

export function writeSettings(
  output: Output,
  settings: readonly (readonly [id: number, value: number])[],
): void {
  const buffer = openFrame(output, settings.length * settingBytes, frameTypes.settings, 0, 0);
  for (const [id, value] of settings) {
    buffer[output.at++] = 0;
    buffer[output.at++] = id;
    putUint32(output, value);
  }
  flushSoon(output);
}

export function writeSettingsAck(output: Output): void {
  openFrame(output, 0, frameTypes.settings, flags.ack, 0);
  flushSoon(output);
}

/** A PING of ours: eight times `mark`. */
export function writePing(output: Output, mark: number): void {
  const buffer = openFrame(output, pingBytes, frameTypes.ping, 0, 0);
  buffer.fill(mark, output.at, output.at + pingBytes);
  output.at += pingBytes;
  flushSoon(output);
}

export function writePingAck(output: Output, bytes: Buffer, start: number): void {
  const buffer = openFrame(output, pingBytes, frameTypes.ping, flags.ack, 0);
  bytes.copy(buffer, output.at, start, start + pingBytes);
  output.at += pingBytes;
  flushSoon(output);
}

export function writeGoAway(output: Output, lastStream: number, code: number, reason: string): void {
  const text = Buffer.from(reason);
  const buffer = openFrame(output, 8 + text.length, frameTypes.goAway, 0, 0);
  putUint32(output, lastStream);
  putUint32(output, code);
  text.copy(buffer, output.at);
  output.at += text.length;
  flushSoon(output);
}

/** Bytes that are no frame: the preface. */
export function writeRaw(output: Output, bytes: Buffer): void {
  const buffer = room(output, Math.max(bytes.length, headBytes));
  output.at += bytes.copy(buffer, output.at);
}
