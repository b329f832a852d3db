/** Reads a body that comes in chunks (RFC 9112 §7.1): sizes in, extensions and trailers bounded and dropped. */
import { limits } from "./h1.ts";

/** What hears of the body's bytes. */
export type Take = (bytes: Buffer, start: number, end: number) => void;

/** @returns where the body's part of `bytes` ends; -1: it is malformed */
export type ChunkReader = (bytes: Buffer, start: number, take: Take) => number;

const line = /^([\da-f]{1,13})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/i;
const field = /^[!#$%&'*+\-.^_`|~\w]+:[\t\x20-\x7e\x80-\xff]*$/;

/** `done()` says whether the last chunk, and what follows it, was there. */
export function chunkReader(): { readonly read: ChunkReader; readonly done: () => boolean } {
  let state: "size" | "data" | "end" | "trailers" | "done" = "size";
  /** Of the chunk, still to come. */
  let left = 0;
  /** A line that has not ended. */
  let begun = "";
  let extraBytes = 0;
  let lineEnd = 0;

  /** The whole line, up to `lineEnd`; undefined while it is not there. */
  const readLine = (bytes: Buffer, start: number): string | undefined => {
    const lf = bytes.indexOf(0x0a, start);
    const end = lf < 0 ? bytes.length : lf + 1;
    lineEnd = end;
    const text = begun + bytes.toString("latin1", start, Math.min(end, start + limits.chunkExtraBytes + 1));
    if (lf < 0) {
      begun = text;
      return undefined;
    }
    begun = "";
    return text;
  };

  const isTooLong = (text: string): boolean =>
    text.length > (state === "size" ? limits.chunkLineBytes : limits.chunkExtraBytes);

  /** False: not what it should be. */
  const takeLine = (text: string): boolean => {
    if (!text.endsWith("\r\n")) return false;
    const said = text.slice(0, -2);
    if (state === "end") {
      state = "size";
      return said === "";
    }
    extraBytes += said.length;
    if (extraBytes > limits.chunkExtraBytes) return false;
    if (state === "trailers") {
      if (said === "") state = "done";
      return said === "" || field.test(said);
    }
    const size = line.exec(said)?.[1];
    if (size === undefined) return false;
    // sizes are no extra: else a body of many chunks would end
    extraBytes -= size.length;
    left = Number.parseInt(size, 16);
    state = left === 0 ? "trailers" : "data";
    return true;
  };

  return {
    done: () => state === "done",
    read(bytes, start, take) {
      let at = start;
      while (at < bytes.length && state !== "done") {
        if (state === "data") {
          const end = Math.min(bytes.length, at + left);
          take(bytes, at, end);
          left -= end - at;
          at = end;
          if (left === 0) state = "end";
          continue;
        }
        const text = readLine(bytes, at);
        if (isTooLong(text ?? begun) || (state === "end" && !"\r\n".startsWith(text ?? begun))) return -1;
        at = lineEnd;
        if (text !== undefined && !takeLine(text)) return -1;
      }
      return at;
    },
  };
}
