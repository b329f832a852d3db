/** Makes sure that a port is free before processes of one service share it: of the same user, the system would let anybody join. */
import { createServer } from "node:net";
import { listenError, parseAddress } from "../address.ts";
import { usageError } from "../errors.ts";

/** @throws MicrorunError as a transport's `listen` does, and `invalid_argument` for a unix socket, which cannot be shared */
export async function claimPort(address: string): Promise<void> {
  const place = parseAddress(address);
  if (place.path !== undefined)
    throw usageError(`--workers: ${address} cannot be shared`, "listen on host:port, or leave --workers out");
  if (place.port === 0) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const server = createServer((socket) => socket.destroy());
  server.once("error", reject);
  server.listen({ ...place, exclusive: true }, resolve);
  try {
    await promise;
  } catch (error) {
    throw listenError(address, error);
  }
  await new Promise((closed) => server.close(closed));
}
