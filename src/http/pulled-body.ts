/** The body of a streamed answer, made as far as it is read. */
import { discard } from "../iteration.ts";

/**
 * @param first asked of `out` already, to know whether it begins well
 * @param left the reader stops before the end
 */
export function pulledBody(
  out: AsyncIterator<Uint8Array>,
  first: IteratorResult<Uint8Array> | Promise<IteratorResult<Uint8Array>>,
  left: () => void,
): ReadableStream<Uint8Array> {
  let before: typeof first | undefined = first;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await (before ?? out.next());
        before = undefined;
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      },
      cancel() {
        left();
        discard(out);
      },
    },
    { highWaterMark: 0 },
  );
}
