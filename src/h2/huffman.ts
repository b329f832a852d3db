/** Huffman coding of header strings (RFC 7541 §5.2): decoded four bits at a time, encoded symbol by symbol. */
import { codeLengths, codes, endOfString } from "./huffman-code.ts";

/** Set in a transition that yields a symbol, which stands above the next state's eight bits. */
const yields = 1 << 17;
/** Set in a transition that no string takes. */
const fails = 1 << 18;
const maxPaddingBits = 7;

/** A state is an inner node of the code's tree. */
const { transitions, accepts } = automaton();

function automaton(): { transitions: Int32Array; accepts: Uint8Array } {
  const children = codeTree();
  const transitions = new Int32Array(256 * 16);
  for (let state = 0; state < 256; state++)
    for (let bits = 0; bits < 16; bits++) transitions[state * 16 + bits] = walk(children, state, bits);

  // a string may end with the first bits of endOfString, all ones
  const accepts = new Uint8Array(256);
  for (let bits = 0, node = 0; bits <= maxPaddingBits; bits++, node = children[node * 2 + 1]!)
    accepts[node] = 1;
  return { transitions, accepts };
}

/** Two children a node: 0 none, above 0 an inner node, below 0 a symbol's ~number. */
function codeTree(): number[] {
  const children = [0, 0];
  for (let symbol = 0; symbol < codeLengths.length; symbol++) {
    let node = 0;
    for (let bit = codeLengths[symbol]! - 1; bit >= 0; bit--) {
      const child = node * 2 + ((codes[symbol]! >>> bit) & 1);
      if (bit === 0) children[child] = ~symbol;
      else if (children[child] === 0) {
        children[child] = children.length / 2;
        children.push(0, 0);
      }
      node = children[child]!;
    }
  }
  return children;
}

function walk(children: readonly number[], state: number, bits: number): number {
  let node = state;
  let found = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const child = children[node * 2 + ((bits >>> bit) & 1)]!;
    if (child === ~endOfString) return fails;
    if (child < 0) found = yields | (~child << 8);
    node = Math.max(child, 0);
  }
  return found | node;
}

/** Decoded bytes are at most this many times as long: the shortest code has five bits. */
export const maxExpansion: number = 8 / 5;

/** Decodes `bytes[start, end)` into `into`. Returns the length, or -1 for what no encoder makes. */
export function huffmanDecode(bytes: Uint8Array, start: number, end: number, into: Uint8Array): number {
  let state = 0;
  let length = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    const high = transitions[(state << 4) | (byte >> 4)]!;
    if (high & yields) into[length++] = high >> 8;
    const low = transitions[((high & 255) << 4) | (byte & 15)]!;
    if (low & yields) into[length++] = low >> 8;
    if ((high | low) & fails) return -1;
    state = low & 255;
  }
  return accepts[state] ? length : -1;
}

/** How long a text is, encoded. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += codeLengths[text.charCodeAt(i) & 255]!;
  return (bits + 7) >> 3;
}

/** Encodes at `into[at]`, where there must be room. Returns where it ends. */
export function huffmanEncode(text: string, into: Uint8Array, at: number): number {
  let end = at;
  let byte = 0;
  let filled = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 255;
    for (let left = codeLengths[symbol]!; left > 0; ) {
      const taken = Math.min(left, 8 - filled);
      byte = (byte << taken) | ((codes[symbol]! >>> (left - taken)) & ((1 << taken) - 1));
      filled += taken;
      left -= taken;
      if (filled < 8) continue;
      into[end++] = byte;
      byte = filled = 0;
    }
  }
  if (filled > 0) into[end++] = (byte << (8 - filled)) | (255 >> filled);
  return end;
}
