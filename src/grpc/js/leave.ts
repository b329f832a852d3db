/** How streams and connections of grpc-js are left without losing a call. */
import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";

/** How long a client may take to acknowledge that it should call elsewhere. */
const leaveMs = 1000;

const lastStreamId = 2 ** 31 - 1;

/** First that no call is welcome, then, once the client has surely read it, which was the last one taken. */
export async function leaveSession(session: ServerHttp2Session): Promise<void> {
  if (session.destroyed || session.closed) return;
  const heard = Promise.withResolvers<void>();
  const timer = setTimeout(heard.resolve, leaveMs);
  session.once("close", heard.resolve);
  try {
    session.goaway(0, lastStreamId);
    session.ping(() => heard.resolve());
  } catch {
    heard.resolve();
  }
  await heard.promise;
  clearTimeout(timer);
  if (!session.destroyed && !session.closed) session.close();
}

/** RST_STREAM's REFUSED_STREAM: nothing was done, try elsewhere. */
const refusedStream = 7;

export function refuseStream(stream: ServerHttp2Stream): void {
  stream.on("error", () => {});
  if ("Bun" in globalThis) {
    // its `close` tells a client that has ended its side no code
    Object.assign(stream, { rstCode: refusedStream });
    stream.destroy(new Error("refused"));
  } else stream.close(refusedStream);
}
