/** A client that asks over and over on one connection, as those behind a load balancer do, until nobody listens. */
import { connect } from "node:net";

export interface Asked {
  readonly answered: number;
  /** What came of a request that got no whole answer; empty when there was none. */
  readonly lost: string;
}

/** Connects anew only when told `connection: close`. Answers must be short and have a length. */
export async function keepAsking(address: string, request: string): Promise<Asked> {
  let answered = 0;
  for (;;) {
    const { count, end } = await ask(address, request);
    answered += count;
    if (end === "refused") return { answered, lost: "" };
    if (end !== "told") return { answered, lost: end };
  }
}

function ask(address: string, request: string): Promise<{ count: number; end: string }> {
  const { promise, resolve } = Promise.withResolvers<{ count: number; end: string }>();
  const socket = connect(Number(address.slice(address.lastIndexOf(":") + 1)), "127.0.0.1");
  let count = 0;
  let answer = "";
  let why = "closed";
  socket.on("connect", () => socket.write(request));
  socket.on("data", (chunk) => {
    answer += chunk.toString("latin1");
    const end = answer.indexOf("\r\n\r\n") + 4;
    const length = /\r\ncontent-length: (\d+)/i.exec(answer)?.[1];
    if (end < 4 || length === undefined || answer.length < end + Number(length)) return;
    if (!answer.startsWith("HTTP/1.1 200")) why = answer;
    else if (/\r\nconnection: close/i.test(answer)) why = "told";
    count++;
    answer = "";
    if (why === "closed") socket.write(request);
    else socket.end();
  });
  socket.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (why !== "closed") return;
    // a listener that closes has the kernel reset connections that it never accepted
    const anew = count === 0 && answer === "" && (code === "ECONNREFUSED" || code === "ECONNRESET");
    why = anew ? "refused" : `${code} after ${count} answers ${answer}`;
  });
  socket.on("close", () => resolve({ count, end: why }));
  return promise;
}
