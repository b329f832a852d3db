/** The messages of a caller that streams by REST: a JSON text a line, or raw bytes as they come. */
import type { Match } from "../rest/rest.ts";
import { cutOff, tooLarge } from "./body.ts";
import { parseJson } from "./codec.ts";
import { httpBody, queryOf, takesRaw } from "./rest-body.ts";

const newline = 0x0a;

/** @throws MicrorunError `invalid_argument` for what is no message, `resource_exhausted` for one that is too large */
export async function* readMessages(
  request: Request,
  { binding, request: message }: Match,
  { maxBodyBytes }: { readonly maxBodyBytes: number },
): AsyncGenerator<unknown> {
  const query = queryOf(request);
  const raw = takesRaw(binding);
  let line: Uint8Array[] = [];
  let length = 0;
  const take = (bytes: Uint8Array): void => {
    length += bytes.length;
    if (length > maxBodyBytes) throw tooLarge("request", maxBodyBytes);
    line.push(bytes);
  };
  const whole = (): Uint8Array | undefined => {
    const bytes = Buffer.concat(line, length);
    line = [];
    length = 0;
    return bytes.every((byte) => byte <= 0x20) ? undefined : bytes;
  };
  for await (const chunk of chunksOf(request)) {
    if (raw) {
      yield message(query, httpBody(request.headers, chunk));
      continue;
    }
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      take(chunk.subarray(start, end));
      start = end + 1;
      const bytes = whole();
      if (bytes !== undefined) yield message(query, parseJson(bytes));
    }
    take(chunk.subarray(start));
  }
  const last = whole();
  if (last !== undefined) yield message(query, parseJson(last));
}

async function* chunksOf({ body }: Request): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  for (;;) {
    const next = await reader?.read().catch((error: unknown) => {
      throw cutOff(error);
    });
    if (next?.value === undefined) return;
    yield next.value;
  }
}
