/** What an ELF executable asks of the system: its loader, and the libraries that this shall find. */

export interface ElfNeeds {
  /** `/lib64/ld-linux-x86-64.so.2`; undefined: statically linked. */
  readonly loader?: string;
  /** `libc.so.6` */
  readonly libraries: readonly string[];
}

const types = { load: 1, dynamic: 2, interp: 3 } as const;
const tags = { needed: 1, strtab: 5 } as const;
/** The most bytes of a table of headers or of a section that is read. */
const maxTable = 1024 * 1024;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** @returns undefined for what is no 64-bit little-endian ELF file (of AMD64 or ARM64) */
export async function elfNeeds(file: Blob): Promise<ElfNeeds | undefined> {
  const head = await view(file, 0, 64);
  if (head.byteLength < 64 || head.getUint32(0) !== 0x7f454c46 || head.getUint16(4) !== 0x0201)
    return undefined;
  const at = Number(head.getBigUint64(32, true));
  const size = head.getUint16(54, true);
  const table = await view(file, at, size * head.getUint16(56, true));
  const segments: Segment[] = [];
  for (let from = 0; from + 56 <= table.byteLength; from += size) {
    segments.push({
      type: table.getUint32(from, true),
      offset: Number(table.getBigUint64(from + 8, true)),
      address: Number(table.getBigUint64(from + 16, true)),
      size: Number(table.getBigUint64(from + 32, true)),
    });
  }
  const interp = segments.find(({ type }) => type === types.interp);
  const loader = interp && text(await view(file, interp.offset, interp.size), 0);
  const libraries = await neededBy(file, segments);
  return { ...(loader === undefined ? {} : { loader }), libraries };
}

async function neededBy(file: Blob, segments: readonly Segment[]): Promise<string[]> {
  const dynamic = segments.find(({ type }) => type === types.dynamic);
  if (dynamic === undefined) return [];
  const entries = await view(file, dynamic.offset, dynamic.size);
  const names: number[] = [];
  let strings: number | undefined;
  for (let at = 0; at + 16 <= entries.byteLength; at += 16) {
    const tag = Number(entries.getBigInt64(at, true));
    const value = Number(entries.getBigUint64(at + 8, true));
    if (tag === tags.needed) names.push(value);
    if (tag === tags.strtab) strings = value;
  }
  // addresses are those of the memory, what is read is the file
  const home = segments.find(
    ({ type, address, size }) =>
      type === types.load && strings !== undefined && strings >= address && strings < address + size,
  );
  if (home === undefined || strings === undefined) return [];
  const table = await view(file, strings - home.address + home.offset, maxTable);
  return names.map((name) => text(table, name));
}

async function view(file: Blob, at: number, length: number): Promise<DataView> {
  return new DataView(await file.slice(at, at + Math.min(length, maxTable)).arrayBuffer());
}

function text(bytes: DataView, at: number): string {
  let end = at;
  while (end < bytes.byteLength && bytes.getUint8(end) !== 0) end++;
  return new TextDecoder().decode(new Uint8Array(bytes.buffer, bytes.byteOffset + at, Math.max(0, end - at)));
}
