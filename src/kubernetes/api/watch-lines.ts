/** The lines of a watch: one JSON value each, however the network cut them. */
import { MicrorunError } from "../../errors.ts";

/** The longest line taken, in bytes: twice what etcd holds of an object, escapes included. */
export const maxLineBytes: number = 8 * 1024 * 1024;

const newline = 10;

/** @throws MicrorunError `unavailable` for what is no JSON, a line too long, or an end in the midst of one */
export async function* watchLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number = maxLineBytes,
): AsyncGenerator<unknown, void> {
  let begun: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let from = 0;
    // no byte of a longer UTF-8 sequence looks like a newline
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      const rest = chunk.subarray(from, at);
      if (size + rest.length > maxBytes) throw tooLong(maxBytes);
      const line = size === 0 ? rest : Buffer.concat([...begun, rest]);
      begun = [];
      size = 0;
      from = at + 1;
      if (line.length > 0) yield parsed(line);
    }
    if (from === chunk.length) continue;
    size += chunk.length - from;
    if (size > maxBytes) throw tooLong(maxBytes);
    begun.push(chunk.slice(from));
  }
  if (size > 0) yield parsed(Buffer.concat(begun));
}

const decoder = new TextDecoder();

function parsed(line: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(line));
  } catch (cause) {
    throw new MicrorunError("unavailable", "the watch was cut off: a line of it is no JSON", { cause });
  }
}

function tooLong(maxBytes: number): MicrorunError {
  return new MicrorunError("unavailable", `the watch was given up: a line has more than ${maxBytes} bytes`);
}
