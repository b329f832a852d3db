/** Buffers of one size that connections write frames into: shared, so that an idle connection has none. */

export interface BufferPool {
  take(): Buffer;
  /** Anything else than what `take` gave is left to the collector. */
  give(buffer: Buffer): void;
}

/** Of each buffer. */
const pooledBytes = 65_536;
/** Kept while nobody uses them. */
const maxPooled = 64;

export function bufferPool(): BufferPool {
  const free: Buffer[] = [];
  return {
    take: () => free.pop() ?? Buffer.allocUnsafeSlow(pooledBytes),
    give(buffer) {
      if (buffer.length === pooledBytes && free.length < maxPooled) free.push(buffer);
    },
  };
}
