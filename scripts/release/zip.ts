/** Files → a ZIP archive (APPNOTE 6.3), the same bytes for the same files: for Windows, which unpacks nothing else without tools. */
import { crc32, deflateRawSync } from "node:zlib";

export interface ZipEntry {
  readonly path: string;
  readonly mode: number;
  readonly bytes: Uint8Array;
}

/** Needed to extract: 2.0, deflate. Made by: Unix, so that modes are kept. */
const needed = 20;
const madeBy = (3 << 8) | needed;
const deflated = 8;
const namesAreUtf8 = 1 << 11;
const regularFile = 0o100000;

export function zip(entries: readonly ZipEntry[], seconds: number): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  const put = (part: Uint8Array): void => {
    parts.push(part);
    offset += part.length;
  };
  for (const { path, mode, bytes } of entries) {
    const name = new TextEncoder().encode(path);
    const packed = deflateRawSync(bytes, { level: 9 });
    const common = [
      ...[u16(needed), u16(namesAreUtf8), u16(deflated), dosTime(seconds)],
      ...[u32(crc32(bytes)), u32(packed.length), u32(bytes.length), u16(name.length), u16(0)],
    ];
    const attributes = ((regularFile | mode) << 16) >>> 0;
    const rest = [u16(0), u16(0), u16(0), u32(attributes), u32(offset), name];
    directory.push(Buffer.concat([Buffer.from("PK\x01\x02"), u16(madeBy), ...common, ...rest]));
    put(Buffer.concat([Buffer.from("PK\x03\x04"), ...common, name]));
    put(packed);
  }
  const start = offset;
  for (const record of directory) put(record);
  const count = u16(entries.length);
  put(
    Buffer.concat([Buffer.from("PK\x05\x06"), u32(0), count, count, u32(offset - start), u32(start), u16(0)]),
  );
  return Buffer.concat(parts);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** In UTC, whatever the zone of the machine. */
function dosTime(seconds: number): Buffer {
  const time = new Date(seconds * 1000);
  const day = ((time.getUTCFullYear() - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate();
  const clock = (time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1);
  return Buffer.concat([u16(clock), u16(day)]);
}
