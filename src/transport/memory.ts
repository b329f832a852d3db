/** A transport within one process, for tests and for services that run together: messages are copied, as if they had travelled. */
import type { Call, Dispatch } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { Service } from "../service/service.ts";
import { type CarriedCall, carryCall } from "./carried-call.ts";
import type { Connection, ListenOptions, Server, Transport } from "./transport.ts";

const defaultMaxMessageBytes = 4_194_304;
const defaultDrainTimeoutMs = 10_000;

/** Where port 0 was asked for, ports are counted from here. */
const firstPort = 49_152;

interface Listener extends Server {
  carry(call: Call, maxReplyBytes: number): CarriedCall;
}

/** Each has addresses of its own. */
export function memoryTransport(): Transport {
  const listeners = new Map<string, Listener>();
  let nextPort = firstPort;
  return {
    name: "memory",
    async listen(service, dispatch, options) {
      const address = options.address.replace(/:0$/, () => `:${nextPort++}`);
      if (listeners.has(address)) {
        throw new MicrorunError("already_exists", `cannot listen on ${address}: the address is in use`, {
          hint: "choose another --server_address",
        });
      }
      const listener = createListener(service, dispatch, { ...options, address }, () =>
        listeners.delete(address),
      );
      listeners.set(address, listener);
      return listener;
    },
    connect: (address, { maxMessageBytes = defaultMaxMessageBytes } = {}) =>
      createConnection(address, (call) => listeners.get(address)?.carry(call, maxMessageBytes)),
  };
}

function createListener(
  service: Service,
  dispatch: Dispatch,
  {
    address,
    maxMessageBytes = defaultMaxMessageBytes,
    drainTimeoutMs = defaultDrainTimeoutMs,
  }: ListenOptions,
  close: () => void,
): Listener {
  const calls = new Set<CarriedCall>();
  let idle: (() => void) | undefined;
  const abort = (call: CarriedCall): void =>
    call.abort(new MicrorunError("unavailable", "the server is stopping"));

  const stop = async (): Promise<void> => {
    close();
    // streams of the runtime's own never end by themselves
    for (const call of calls) if (call.endpoint.internal && call.endpoint.method.responseStream) abort(call);
    if (calls.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, drainTimeoutMs);
      idle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    for (const call of calls) abort(call);
  };
  let stopped: Promise<void> | undefined;

  return {
    address,
    carry(call, maxReplyBytes) {
      const endpoint = service.find(call.service, call.method);
      if (endpoint === undefined) throw notFound(service, call);
      const limits = {
        maxRequestBytes: maxMessageBytes,
        maxReplyBytes: Math.min(maxReplyBytes, maxMessageBytes),
      };
      const carried = carryCall(call, endpoint, dispatch, limits);
      calls.add(carried);
      void carried.over.then(() => {
        calls.delete(carried);
        if (calls.size === 0) idle?.();
      });
      return carried;
    },
    [Symbol.asyncDispose]() {
      stopped ??= stop();
      return stopped;
    },
  };
}

function createConnection(address: string, carry: (call: Call) => CarriedCall | undefined): Connection {
  const calls = new Set<CarriedCall>();
  let closed = false;
  return {
    async dispatch(call) {
      const unsent = (why: string) =>
        new MicrorunError("unavailable", `${address}: ${why}`, { unsent: true });
      if (closed) throw unsent("the connection is closed");
      const carried = carry(call);
      if (carried === undefined) throw unsent("nobody listens there");
      calls.add(carried);
      void carried.over.then(() => calls.delete(carried));
      return carried.reply;
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      for (const call of calls)
        call.abort(new MicrorunError("cancelled", `${address}: the connection is closed`));
    },
  };
}

function notFound(service: Service, call: Call): MicrorunError {
  const known = service.has(call.service);
  return new MicrorunError(
    "unimplemented",
    known ? `unknown method ${call.method} for service ${call.service}` : `unknown service ${call.service}`,
  );
}
