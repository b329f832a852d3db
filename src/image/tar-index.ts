/** What lies where in a tar, read header by header: from a file on the disk, or from a stream that passes by. */
import { MicrorunError } from "../errors.ts";
import { tarBlock } from "./tar.ts";

export interface TarMember {
  /** Without `./` before and without a slash behind. */
  readonly path: string;
  /** Of its content, in bytes. */
  readonly size: number;
  /** The type flag of the header: "0" a file, "2" a symbolic link, "5" a folder. */
  readonly flag: string;
  /** Where its content begins, in bytes. */
  readonly at: number;
}

/** The most members of an archive; a base image has some thousands. */
const maxMembers = 500_000;
/** The most bytes of a member's extended names. */
const maxExtension = 1024 * 1024;

/** Reads `length` bytes at `at`; fewer at the end. */
type Read = (at: number, length: number) => Promise<Uint8Array>;

const decoder = new TextDecoder();

/** @param what the archive, for people @throws MicrorunError `invalid_argument` for what is no tar */
export async function* tarMembers(read: Read, what: string): AsyncGenerator<TarMember> {
  let at = 0;
  let named: { path?: string; size?: number } = {};
  for (let count = 0; ; count++) {
    if (count > maxMembers) throw broken(what, `it has more than ${maxMembers} members`);
    const header = await read(at, tarBlock);
    if (header.length < tarBlock || header.every((byte) => byte === 0)) return;
    if (!sumHolds(header)) throw broken(what, "it is no tar");
    const flag = text(header, 156, 1) || "0";
    const size = named.size ?? number(header, 124, 12);
    if (!Number.isSafeInteger(size) || size < 0) throw broken(what, "a member has no size");
    at += tarBlock;
    if ("xgLK".includes(flag)) {
      if (size > maxExtension) throw broken(what, "a name is too long");
      const extension = await read(at, size);
      if (flag === "x") named = { ...named, ...pax(extension) };
      else if (flag === "L") named = { ...named, path: text(extension, 0, size) };
    } else {
      const prefix = text(header, 257, 5) === "ustar" ? text(header, 345, 155) : "";
      const path = named.path ?? [prefix, text(header, 0, 100)].filter((part) => part !== "").join("/");
      yield { path: path.replace(/^(\.?\/)+|\/+$/g, ""), size, flag, at };
      named = {};
    }
    at += Math.ceil(size / tarBlock) * tarBlock;
  }
}

/** Reads of a stream, in rising order; what lies between is passed by. */
export function passing(stream: AsyncIterable<Uint8Array>): Read {
  const chunks = stream[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();
  let start = 0;
  return async (at, length) => {
    while (start + rest.length < at + length) {
      if (start + rest.length <= at) {
        start += rest.length;
        rest = new Uint8Array();
      }
      const { value, done } = await chunks.next();
      if (done) break;
      rest = rest.length === 0 ? value : Buffer.concat([rest, value]);
    }
    const skip = Math.min(at - start, rest.length);
    const found = rest.slice(skip, skip + length);
    rest = rest.subarray(skip);
    start += skip;
    return found;
  };
}

function broken(what: string, why: string): MicrorunError {
  return new MicrorunError("invalid_argument", `${what}: cannot be read: ${why}`, {
    hint: "give an archive as docker save, podman save or microrun image -o writes it, not compressed",
  });
}

function text(bytes: Uint8Array, at: number, length: number): string {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return decoder.decode(end < 0 ? field : field.subarray(0, end));
}

/** Octal, or GNU's big-endian binary with the top bit set. */
function number(bytes: Uint8Array, at: number, length: number): number {
  if ((bytes[at]! & 0x80) !== 0)
    return bytes.subarray(at + 1, at + length).reduce((value, byte) => value * 256 + byte, 0);
  return Number.parseInt(text(bytes, at, length).trim() || "0", 8);
}

function sumHolds(header: Uint8Array): boolean {
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  return sum === number(header, 148, 8);
}

function pax(bytes: Uint8Array): { path?: string; size?: number } {
  const found: { path?: string; size?: number } = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(32, at);
    const length = Number(decoder.decode(bytes.subarray(at, space)));
    if (space < 0 || !(length > 0)) break;
    const [, key, value] =
      /^(.*?)=(.*)\n$/s.exec(decoder.decode(bytes.subarray(space + 1, at + length))) ?? [];
    if (key === "path") found.path = value!;
    if (key === "size") found.size = Number(value);
    at += length;
  }
  return found;
}
