/** One call to an address, for the commands that ask others. */
import type { Method } from "../../call.ts";
import { silentLog } from "../../log.ts";
import { transports } from "../../plugins.ts";
import { within } from "../../wait.ts";
import { readMesh } from "./settings.ts";

export interface Question {
  /** `host:port` or `unix:/path`. */
  readonly address: string;
  readonly request: unknown;
  readonly timeoutMs: number;
  readonly type: Method;
}

/** The reply of a method that does not stream. @throws MicrorunError */
export async function ask({ address, request, timeoutMs, type }: Question): Promise<unknown> {
  const transport = await transports.grpc!({ mesh: readMesh(new Map(), {}), env: {}, log: silentLog });
  await using connection = transport.connect(dialable(address));
  const abort = new AbortController();
  const { service, name: method } = type;
  try {
    const reply = connection.dispatch({
      service,
      method,
      request,
      metadata: new Headers(),
      signal: abort.signal,
      deadline: Date.now() + timeoutMs,
      type,
    });
    return await within(timeoutMs, `${service}.${method}`, reply);
  } finally {
    abort.abort();
  }
}

/** An address to listen on, as one to connect to: "all interfaces" is reached at this machine's own. */
export function dialable(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\])?:(?=\d+$)/, "localhost:");
}
