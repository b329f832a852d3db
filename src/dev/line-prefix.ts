/** Lines of several processes in one terminal: each whole, and with the name of the one that wrote it before it. */

/** What is longer than this without a line break is broken, in bytes. */
export const maxLineBytes: number = 1024 * 1024;

/** Cyan, yellow, green, magenta, blue, and the bright ones. */
const tints = ["36", "33", "32", "35", "34", "96", "93", "92", "95", "94"];

/** Resolves when more may be written. */
export type Write = (text: string) => Promise<unknown> | undefined;

/** Rejects as the source does. */
export async function prefixLines(
  source: AsyncIterable<Uint8Array>,
  prefix: string,
  write: Write,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of source) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    if (rest.length >= maxLineBytes) lines.push(rest);
    if (rest.length >= maxLineBytes) rest = "";
    if (lines.length > 0) await write(lines.map((line) => `${prefix}${line}\n`).join(""));
  }
  rest += decoder.decode();
  if (rest !== "") await write(`${prefix}${rest}\n`);
}

/**
 * As wide as the widest of those that are there; each name keeps its tint.
 * @param names of all, this one among them
 */
export function createPrefixes(color: boolean): (name: string, names: readonly string[]) => string {
  const tintOf = new Map<string, string>();
  return (name, names) => {
    const width = Math.max(...names.map((one) => one.length));
    const text = `${name.padEnd(width)} | `;
    if (!color) return text;
    for (const one of names) if (!tintOf.has(one)) tintOf.set(one, tints[tintOf.size % tints.length]!);
    // what the line before it left on is turned off
    return `\x1b[0m\x1b[${tintOf.get(name)}m${text}\x1b[0m`;
  };
}
