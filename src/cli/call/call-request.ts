/** What `microrun call` sends: one JSON text, or a line of stdin for each request of a stream. */
import { createInterface } from "node:readline";
import type { Method } from "../../call.ts";
import { errorText, MicrorunError, usageError } from "../../errors.ts";

export interface Requests {
  /** Handler values: one, or a stream of them. */
  readonly value: unknown;
  /** What is wrong with a line of the stream: then the call failed for it. */
  wrong(): MicrorunError | undefined;
}

export interface RequestOptions {
  readonly stream: boolean;
  /** The one request, parsed. */
  readonly json: unknown;
  /** Where the requests of a stream come from. */
  readonly input: NodeJS.ReadableStream;
}

/** @throws MicrorunError `invalid_argument` for a request that is not of the method's type */
export function requestsOf({ request, requestStream }: Method, options: RequestOptions): Requests {
  if (!options.stream) {
    const value = request.fromJson(options.json);
    return { value: requestStream ? oneAfterAnother([value]) : value, wrong: () => undefined };
  }
  let wrong: MicrorunError | undefined;
  async function* lines(): AsyncGenerator<unknown> {
    let number = 0;
    try {
      for await (const line of createInterface({ input: options.input })) {
        number++;
        if (line.trim() !== "") yield request.fromJson(parseRequest(line));
      }
    } catch (error) {
      wrong = usageError(`line ${number}: ${errorText(error)}`, MicrorunError.from(error).hint);
      throw wrong;
    }
  }
  return { value: lines(), wrong: () => wrong };
}

async function* oneAfterAnother(values: readonly unknown[]): AsyncGenerator<unknown> {
  yield* values;
}

/** @param what it is, for people */
export function parseRequest(json = "{}", what = "request"): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw usageError(`${what}: not JSON (${errorText(error)})`, `write it as '{"name":"John"}'`);
  }
}

export function checkedMetadata(pairs: Readonly<Record<string, string>>): Record<string, string> {
  for (const [key, value] of Object.entries(pairs)) {
    try {
      new Headers().set(key, value);
    } catch {
      throw usageError(
        `--metadata=${key}=…: not sendable`,
        "write keys in a-z, 0-9, - and _, values in one line",
      );
    }
  }
  return { ...pairs };
}
