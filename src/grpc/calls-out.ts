/** A connection as its calls have it, on either wire: none once it is closed, and those under way are cancelled then. */
import { MicrorunError } from "../errors.ts";
import type { Connection } from "../transport/transport.ts";
import { type Invocation, type Invoking, invoke } from "./invocation.ts";

/** `open` connects when first used. */
export interface CallsOut extends Pick<Invoking, "open" | "address" | "maxMessageBytes" | "aborts"> {
  readonly close: () => void | Promise<void>;
}

export function callsOut({ address, maxMessageBytes, aborts, open, close }: CallsOut): Connection {
  const invocations = new Set<Invocation>();
  const ended = (invocation: Invocation): void => void invocations.delete(invocation);
  const invoking: Invoking = { open, address, maxMessageBytes, aborts, ended };
  let closed = false;
  return {
    dispatch(call) {
      if (closed)
        return Promise.reject(
          new MicrorunError("unavailable", `${address}: the connection is closed`, { unsent: true }),
        );
      const invocation = invoke(call, invoking);
      invocations.add(invocation);
      invocation.start();
      return invocation.reply;
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      for (const invocation of invocations)
        invocation.cancel(new MicrorunError("cancelled", `${address}: the connection is closed`));
      await close();
    },
  };
}
