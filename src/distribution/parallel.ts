/** Several at a time, and no further once one has failed. */

/** How many blobs are under way at once. */
const maxParallel = 4;

/**
 * Settles when all that began has ended; rejects with the first failure.
 * @param stop cuts what is under way
 */
export async function inParallel<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  stop: (error: unknown) => void,
): Promise<void> {
  const left = [...items];
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined && failure === undefined; item = left.shift()) {
      try {
        await work(item);
      } catch (error) {
        if (failure === undefined) {
          failure = { error };
          stop(error);
        }
      }
    }
  };
  await Promise.all(Array.from({ length: maxParallel }, worker));
  if (failure !== undefined) throw failure.error;
}
