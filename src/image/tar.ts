/** Files → a tar stream, the same bytes for the same files: POSIX ustar, with a pax record where a name or a size does not fit. */

export interface TarEntry {
  /** Relative to the root, no slash at the end: `usr/local/bin/microrun`. */
  readonly path: string;
  readonly type: "file" | "folder" | "symlink";
  /** The permission bits: 0o644. */
  readonly mode: number;
  /** Of a file. @default empty */
  readonly content?: Uint8Array | Blob;
  /** Of a symbolic link. */
  readonly target?: string;
}

export const tarBlock = 512;
/** Archives are padded to it, as `tar` does. */
const tarRecord = 20 * tarBlock;
/** What eleven octal digits hold. */
const maxUstarSize = 8 ** 11 - 1;

const flags = { file: "0", folder: "5", symlink: "2" } as const;
const encoder = new TextEncoder();

/** @param seconds when all of it was made, since 1970; owners are root */
export async function* tarStream(
  entries: Iterable<TarEntry> | AsyncIterable<TarEntry>,
  seconds = 0,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let written = 0;
  const told = (chunk: Uint8Array) => {
    written += chunk.length;
    return chunk as Uint8Array<ArrayBuffer>;
  };
  for await (const entry of entries) {
    yield told(tarHeader(entry, seconds));
    const { content } = entry;
    if (content === undefined) continue;
    const size = sizeOf(entry);
    const before = written;
    if (content instanceof Blob) for await (const chunk of content.stream()) yield told(chunk);
    else yield told(content);
    // a file that changes while it is read would shift all that follows
    if (written - before !== size) throw new Error(`${entry.path} changed while it was read`);
    yield told(new Uint8Array(padding(size, tarBlock)));
  }
  yield told(new Uint8Array(2 * tarBlock));
  yield new Uint8Array(padding(written, tarRecord));
}

function padding(size: number, block: number): number {
  return (block - (size % block)) % block;
}

function sizeOf({ content }: TarEntry): number {
  return content === undefined ? 0 : content instanceof Blob ? content.size : content.length;
}

function tarHeader(entry: TarEntry, seconds: number): Uint8Array {
  const path = entry.type === "folder" ? `${entry.path}/` : entry.path;
  const size = sizeOf(entry);
  const { target = "" } = entry;
  const records: [string, string][] = [];
  if (!fits(path, 100)) records.push(["path", path]);
  if (!fits(target, 100)) records.push(["linkpath", target]);
  if (size > maxUstarSize) records.push(["size", String(size)]);
  const header = ustarHeader({ path, target, size, flag: flags[entry.type], mode: entry.mode, seconds });
  if (records.length === 0) return header;
  const pax = encoder.encode(records.map(([key, value]) => paxRecord(key, value)).join(""));
  const lead = ustarHeader({
    path: "PaxHeader",
    target: "",
    size: pax.length,
    flag: "x",
    mode: 0o644,
    seconds,
  });
  return Buffer.concat([lead, pax, new Uint8Array(padding(pax.length, tarBlock)), header]);
}

function fits(text: string, most: number): boolean {
  const bytes = encoder.encode(text);
  return bytes.length <= most && bytes.every((byte) => byte < 0x80);
}

/** Its length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = encoder.encode(` ${key}=${value}\n`).length;
  let length = rest;
  while (length !== rest + String(length).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

interface UstarHeader {
  readonly path: string;
  readonly target: string;
  readonly size: number;
  readonly flag: string;
  readonly mode: number;
  readonly seconds: number;
}

function ustarHeader({ path, target, size, flag, mode, seconds }: UstarHeader): Uint8Array {
  const block = new Uint8Array(tarBlock);
  const put = (at: number, length: number, text: string) =>
    block.set(encoder.encode(text).subarray(0, length), at);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  put(0, 100, path);
  put(100, 8, octal(mode & 0o7777, 7));
  put(108, 8, octal(0, 7));
  put(116, 8, octal(0, 7));
  put(124, 12, octal(Math.min(size, maxUstarSize), 11));
  put(136, 12, octal(seconds, 11));
  put(148, 8, "        ");
  put(156, 1, flag);
  put(157, 100, target);
  put(257, 8, "ustar\x0000");
  put(265, 32, "root");
  put(297, 32, "root");
  put(329, 8, octal(0, 7));
  put(337, 8, octal(0, 7));
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, 8, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}
