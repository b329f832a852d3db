/** Whether what listens on a port is ready for calls, whatever it speaks. */
import { connect } from "node:net";
import { pause } from "../wait.ts";

/** How long one question may take, in ms. */
const maxAskMs = 1000;
const askEveryMs = 50;

/** Resolves once it is ready, or when aborted. @param port on loopback */
export async function ready(port: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await isReady(port, signal))) await pause(askEveryMs, signal);
}

/** By `/readyz`, where it answers HTTP; what does not, or knows no such path, is ready when it listens. */
async function isReady(port: number, signal: AbortSignal): Promise<boolean> {
  try {
    const { status } = await fetch(`http://127.0.0.1:${port}/readyz`, {
      redirect: "manual",
      headers: { connection: "close" },
      signal: AbortSignal.any([signal, AbortSignal.timeout(maxAskMs)]),
    });
    return status < 500;
  } catch {
    return !signal.aborted && (await listens(port));
  }
}

async function listens(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ port, host: "127.0.0.1" });
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  const listening = await promise;
  socket.destroy();
  return listening;
}
