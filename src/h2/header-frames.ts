/** HEADERS and the CONTINUATION frames behind it to one header block, decoded (RFC 9113 §4.3, §6.2, §6.10). */

import type { Connection } from "./connection.ts";
import { ConnectionError } from "./connection-error.ts";
import { flags, maxStreamId } from "./frame-code.ts";
import { errorCodes } from "./h2.ts";
import { readBlock } from "./header-reader.ts";
import { charge } from "./memory.ts";

export interface HeaderFrames {
  /** The stream whose block has begun and not ended; 0: none. */
  readonly open: number;
  /** HEADERS. @throws ConnectionError */
  begin(bytes: Buffer, start: number, length: number, flagBits: number, id: number): void;
  /** CONTINUATION. @throws ConnectionError */
  goOn(bytes: Buffer, start: number, length: number, flagBits: number): void;
}

/** A block that is not whole. */
interface OpenBlock {
  readonly id: number;
  readonly ends: boolean;
  readonly wrong: string | undefined;
  readonly parts: Buffer[];
  bytes: number;
}

const priorityBytes = 5;

export function headerFrames(connection: Connection): HeaderFrames {
  const { decoder, memory, account, limits } = connection;
  let block: OpenBlock | undefined;

  return {
    get open() {
      return block?.id ?? 0;
    },
    begin(bytes, start, length, flagBits, id) {
      const frameEnd = start + length;
      let from = start;
      let to = frameEnd;
      let wrong: string | undefined;
      if ((flagBits & flags.padded) !== 0) {
        if (length === 0) throw new ConnectionError(errorCodes.frameSize, "padding");
        to -= bytes[from]!;
        from += 1;
      }
      if ((flagBits & flags.priority) !== 0) {
        if (from + priorityBytes > frameEnd) throw new ConnectionError(errorCodes.frameSize, "priority");
        if ((bytes.readUInt32BE(from) & maxStreamId) === id) wrong = "a stream depends on itself";
        from += priorityBytes;
      }
      if (from > to) throw new ConnectionError(errorCodes.protocol, "padding");
      const ends = (flagBits & flags.endStream) !== 0;
      if ((flagBits & flags.endHeaders) !== 0) {
        readBlock(connection, id, ends, decoder.decode(bytes, from, to), wrong);
        return;
      }
      block = { id, ends, wrong, parts: [Buffer.from(bytes.subarray(from, to))], bytes: to - from };
      connection.headersAt = connection.now();
      charge(memory, account, block.bytes);
    },
    goOn(bytes, start, length, flagBits) {
      if (block === undefined) throw new ConnectionError(errorCodes.protocol, "CONTINUATION of nothing");
      block.parts.push(Buffer.from(bytes.subarray(start, start + length)));
      block.bytes += length;
      charge(memory, account, length);
      if (block.bytes > limits.maxHeaderBlockBytes || block.parts.length - 1 > limits.maxContinuations)
        throw new ConnectionError(errorCodes.enhanceYourCalm, "header block too large");
      if ((flagBits & flags.endHeaders) === 0) return;
      const { id, ends, wrong, parts } = block;
      charge(memory, account, -block.bytes);
      block = undefined;
      connection.headersAt = 0;
      const whole = Buffer.concat(parts);
      readBlock(connection, id, ends, decoder.decode(whole, 0, whole.length), wrong);
    },
  };
}
