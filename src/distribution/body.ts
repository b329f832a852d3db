/** The body of an answer, read with bounds: of its size, and of how long nothing may come. */
import { MicrorunError } from "../errors.ts";
import { within } from "../wait.ts";

/** In ms. */
const maxSilenceMs = 60_000;

/** @throws MicrorunError `unavailable`, reason DROPPED, when the connection breaks or falls silent */
export async function* bodyChunks(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await within(maxSilenceMs, "answer", reader.read()).catch(dropped);
      if (done) return;
      yield value;
    }
  } finally {
    // not awaited: a broken connection may never answer
    reader.cancel().catch(() => {});
  }
}

/** @throws MicrorunError `data_loss` for more than `maxBytes` */
export async function readBounded(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bodyChunks(response)) {
    size += chunk.length;
    if (size > maxBytes)
      throw new MicrorunError("data_loss", `the registry's answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function dropped(error: unknown): never {
  throw new MicrorunError("unavailable", "the connection to the registry broke off", {
    reason: "DROPPED",
    cause: error,
  });
}
