/** Header text and bytes, one character each: the calls below Buffer's `toString` and `write`, at half their price. */

/** Bun, Deno and Node have these; no declaration says so. */
interface Latin1Buffer extends Buffer {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number, length: number): number;
}

export function latin1Text(bytes: Buffer, start: number, end: number): string {
  return (bytes as Latin1Buffer).latin1Slice(start, end);
}

/** Above this many characters the call costs less than the loop. */
const maxLoop = 40;

/** @returns where the text ends in `bytes`, which must have room */
export function putLatin1(bytes: Buffer, at: number, text: string): number {
  const { length } = text;
  if (length > maxLoop) return at + (bytes as Latin1Buffer).latin1Write(text, at, length);
  for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + length;
}
