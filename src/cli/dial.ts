/** One call to an address, for the commands that ask others. */
import type { Method } from "../call.ts";
import { silentLog } from "../log.ts";
import { transports } from "../plugins.ts";
import type { Tls } from "../transport/transport.ts";
import { within } from "../wait.ts";

export interface Question {
  /** `host:port` or `unix:/path`. */
  readonly address: string;
  /** As in the path: `greeter.Greeter`. */
  readonly service: string;
  readonly method: string;
  readonly request: unknown;
  readonly timeoutMs: number;
  /** @default none */
  readonly metadata?: Headers;
  readonly tls?: Partial<Tls> | undefined;
  /** @default unary JSON */
  readonly type?: Method;
}

/** The reply of a method that does not stream. @throws MicrorunError */
export async function ask(question: Question): Promise<unknown> {
  for await (const reply of replies(question)) return reply;
}

/** All replies, where `type` says that the method streams them; else the one. @throws MicrorunError */
export async function* replies(question: Question): AsyncGenerator<unknown> {
  const { address, service, method, request, timeoutMs, metadata = new Headers(), tls, type } = question;
  const transport = await transports.grpc!({ addresses: [], env: {}, log: silentLog });
  await using connection = transport.connect(dialable(address), tls === undefined ? {} : { tls });
  const abort = new AbortController();
  try {
    const reply = connection.dispatch({
      service,
      method,
      request,
      metadata,
      signal: abort.signal,
      deadline: Date.now() + timeoutMs,
      ...(type === undefined ? {} : { type }),
    });
    const answer = await within(timeoutMs, `${service}.${method}`, reply);
    if (type?.responseStream) yield* answer as AsyncIterable<unknown>;
    else yield answer;
  } finally {
    abort.abort();
  }
}

/** An address to listen on, as one to connect to: "all interfaces" is reached at this machine's own. */
export function dialable(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\])?:(?=\d+$)/, "localhost:");
}
