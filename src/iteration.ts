/** Streams of messages, whoever makes them: async iterables, and plain ones where a handler returns one. */

export type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>;

export function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

/** Of an AsyncIterable, or of a plain one; undefined for anything else. */
export function iteratorOf(value: unknown): AnyIterator | undefined {
  if (isStream(value)) return value[Symbol.asyncIterator]();
  if (typeof value !== "object" || value === null || !(Symbol.iterator in value)) return undefined;
  return (value as Iterable<unknown>)[Symbol.iterator]();
}

/** Tells whoever made it that nobody reads on. It may never answer, or answer badly. */
export function discard(iterator: AnyIterator | undefined): void {
  if (iterator?.return === undefined) return;
  try {
    Promise.resolve(iterator.return()).catch(() => {});
  } catch {
    // nobody is left to hear of it
  }
}
