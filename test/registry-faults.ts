/** An HTTP relay before a registry that answers in its place, cuts connections midway and spoils bytes. */
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

export interface Seen {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Bytes of the body that came in. */
  received: number;
}

/** What happens to a request; undefined: it goes through. */
export type Fault =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  /** The connection is reset after that many bytes of the request's body went through to the registry. */
  | { readonly cutRequestAfter: number }
  /** The same of the answer's body. */
  | { readonly cutAnswerAfter: number }
  /** The connection is reset when the registry has done its work, without an answer. */
  | { readonly loseAnswer: true }
  /** Every byte of the answer's body is changed. */
  | { readonly spoil: true }
  /** Headers of the answer are taken away or set. */
  | { readonly answerHeaders: Record<string, string | undefined> };

export interface FaultProxy extends AsyncDisposable {
  /** `127.0.0.1:34567` */
  readonly host: string;
  readonly seen: readonly Seen[];
  /** Asked for each request from now on. */
  rule(rule: (seen: Seen) => Fault | undefined): void;
}

export async function faultProxy(target: number): Promise<FaultProxy> {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  let current: (seen: Seen) => Fault | undefined = () => undefined;
  const server = createServer((incoming, answer) => {
    const entry: Seen = {
      method: incoming.method ?? "",
      path: new URL(incoming.url ?? "/", "http://proxy").pathname,
      headers: incoming.headers,
      received: 0,
    };
    seen.push(entry);
    incoming.on("data", (chunk: Buffer) => {
      entry.received += chunk.length;
    });
    relay(target, incoming, answer, current(entry));
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as { port: number }).port}`,
    seen,
    rule: (rule) => {
      current = rule;
      seen.length = 0;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function relay(
  target: number,
  incoming: IncomingMessage,
  answer: ServerResponse,
  fault: Fault | undefined,
): void {
  const cut = (): void => {
    incoming.socket.destroy();
  };
  if (fault !== undefined && "status" in fault) {
    incoming.resume();
    incoming.on("end", () => answer.writeHead(fault.status, fault.headers).end(fault.body ?? ""));
    return;
  }
  const onward = request(
    {
      host: "127.0.0.1",
      port: target,
      method: incoming.method,
      path: incoming.url,
      headers: incoming.headers,
    },
    (came) => {
      const headers = { ...came.headers };
      if (fault !== undefined && "answerHeaders" in fault)
        for (const [name, value] of Object.entries(fault.answerHeaders)) {
          if (value === undefined) delete headers[name];
          else headers[name] = value;
        }
      if (fault !== undefined && "loseAnswer" in fault) {
        came.resume();
        came.on("end", cut);
        return;
      }
      answer.writeHead(came.statusCode ?? 502, headers);
      let passed = 0;
      came.on("data", (chunk: Buffer) => {
        if (fault !== undefined && "spoil" in fault)
          for (let i = 0; i < chunk.length; i++) chunk[i] = chunk[i]! ^ 1;
        const left =
          fault !== undefined && "cutAnswerAfter" in fault ? fault.cutAnswerAfter - passed : chunk.length;
        passed += chunk.length;
        if (left >= chunk.length) return answer.write(chunk);
        came.pause();
        return answer.write(chunk.subarray(0, Math.max(left, 0)), cut);
      });
      came.on("end", () => answer.end());
      came.on("error", cut);
    },
  );
  onward.on("error", cut);
  let sent = 0;
  incoming.on("data", (chunk: Buffer) => {
    const left =
      fault !== undefined && "cutRequestAfter" in fault ? fault.cutRequestAfter - sent : chunk.length;
    sent += chunk.length;
    if (left >= chunk.length) return void onward.write(chunk);
    incoming.removeAllListeners("data");
    // the registry gets these, then its connection ends too
    onward.write(chunk.subarray(0, Math.max(left, 0)), () => {
      setTimeout(() => {
        onward.destroy();
        cut();
      }, 50);
    });
    return undefined;
  });
  incoming.on("end", () => onward.end());
  incoming.on("error", () => onward.destroy());
}
