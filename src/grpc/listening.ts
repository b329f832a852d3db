/** Listening where it is asked, on whatever sockets: a socket file that a dead process left is replaced, and a failure says why. */
import { lstat, rm } from "node:fs/promises";
import { connect } from "node:net";
import { type Address, formatAddress, listenError, notSocket } from "../address.ts";
import { errorText, MicrorunError } from "../errors.ts";

/**
 * @param listen may be called twice
 * @throws MicrorunError `already_exists`, `permission_denied` or `invalid_argument`
 */
export async function listenAt<T>(target: Address, listen: () => Promise<T>): Promise<T> {
  const address = formatAddress(target);
  if (target.path !== undefined) {
    const file = await lstat(target.path).catch(() => undefined);
    if (file?.isSocket() === false) throw notSocket(target.path);
  }
  try {
    return await listen();
  } catch (error) {
    const stale =
      codeOf(error) === "EADDRINUSE" && target.path !== undefined && !(await answers(target.path));
    if (!stale) throw listenError(address, error);
    await rm(target.path!, { force: true });
    try {
      return await listen();
    } catch (again) {
      throw listenError(address, again);
    }
  }
}

export function certificateError(error: unknown): MicrorunError {
  return new MicrorunError("invalid_argument", `cannot use the certificate: ${errorText(error)}`, {
    hint: "give --tls_cert and --tls_key PEM files that belong together",
    cause: error,
  });
}

/** Somebody listens on the socket file: it is no leftover of a process that crashed. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
