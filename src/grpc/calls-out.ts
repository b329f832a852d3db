/** A connection as its calls have it, on either wire: none once it is closed, and those under way are cancelled then. */
import { MicrorunError } from "../errors.ts";
import type { Connection } from "../transport/transport.ts";
import { type CallListener, type CallStart, type CallWire, type Invocation, invoke } from "./invocation.ts";

export interface CallsOut {
  /** Who is called. */
  readonly address: string;
  readonly maxMessageBytes: number;
  /** Connects when first used. */
  readonly open: (start: CallStart, listener: CallListener) => CallWire;
  readonly close: () => void | Promise<void>;
}

export function callsOut({ address, maxMessageBytes, open, close }: CallsOut): Connection {
  const invocations = new Set<Invocation>();
  let closed = false;
  return {
    dispatch(call) {
      if (closed)
        return Promise.reject(
          new MicrorunError("unavailable", `${address}: the connection is closed`, { unsent: true }),
        );
      const invocation = invoke(call, { open, address, maxMessageBytes }, () =>
        invocations.delete(invocation),
      );
      invocations.add(invocation);
      return invocation.reply;
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      for (const { cancel } of invocations)
        cancel(new MicrorunError("cancelled", `${address}: the connection is closed`));
      await close();
    },
  };
}
