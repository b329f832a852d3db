/** The body of a response that says no type: what can be told of it before its head is sent. */

/** As the fetch standard has it for `new Response("text")`. */
export const textType = "text/plain;charset=utf-8";

/** How many microtasks a body that is there may take to say so. */
const promptTicks = 8;

/** What a body begins with, where it has it at hand. Undefined when it takes longer than a turn of the event loop. */
export async function soon<T>(promise: Promise<T>): Promise<T | undefined> {
  let settled = false;
  const done = (): void => {
    settled = true;
  };
  promise.then(done, done);
  for (let tick = 0; tick < promptTicks && !settled; tick++) await undefined;
  if (settled) return promise;
  return Promise.race([promise, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))]);
}

/** Bun does not tell the type of `new Response("text")`, and of bytes there is none to tell; browsers would guess one. */
export function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
