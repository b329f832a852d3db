/** A try at a TCP connection. */
import { createConnection } from "node:net";

/** How long it may take, in ms. */
export const connectMs = 3000;

/** How a connection came out. `said` is what the other side said first, if that was waited for. */
export interface Connected {
  /** Undefined: it stands. */
  readonly fault?: string;
  readonly said: string;
}

/** @param saying the other side speaks first: its line is waited for */
export async function connected(
  host: string,
  port: number,
  { signal, saying = false }: { readonly signal: AbortSignal; readonly saying?: boolean },
): Promise<Connected> {
  const end = Promise.withResolvers<Connected>();
  const bound = AbortSignal.any([signal, AbortSignal.timeout(connectMs)]);
  const late = (): void => end.resolve({ fault: `no answer within ${connectMs / 1000} s`, said: "" });
  bound.addEventListener("abort", late, { once: true });
  const socket = createConnection({ host, port });
  let said = "";
  socket.once("connect", () => {
    if (!saying) end.resolve({ said });
  });
  socket.on("data", (bytes) => {
    said += bytes.toString();
    if (said.includes("\n")) end.resolve({ said });
  });
  socket.once("close", () => end.resolve({ fault: "it closed the connection", said }));
  socket.once("error", (error) => end.resolve({ fault: faultOf(error), said }));
  const result = await end.promise;
  socket.on("error", () => {});
  socket.destroy();
  bound.removeEventListener("abort", late);
  return result;
}

function faultOf({ code, message }: NodeJS.ErrnoException): string {
  const known: Record<string, string> = {
    ECONNREFUSED: "connection refused",
    ENOTFOUND: "no such host",
    EAI_AGAIN: "the name cannot be resolved now",
    EHOSTUNREACH: "no route to the host",
    ENETUNREACH: "no route to the network",
  };
  return known[code ?? ""] ?? message;
}
