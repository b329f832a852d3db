/** A call out: selector → pool → connection, within a deadline, carrying on what the caller brought. */
import { type Call, jsonMethod } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { isStream } from "../iteration.ts";
import type { Selector } from "../selector/selector.ts";
import type { CallOptions, Client } from "./client.ts";
import type { Pool } from "./pool.ts";

export interface ClientOptions {
  readonly selector: Selector;
  readonly pool: Pool;
  /** This service's own name, told as `micro-from-service`. */
  readonly from: string;
  /** @default 5000 */
  readonly requestTimeoutMs?: number;
  /** More tries after a failed one, where repeating is safe (`Method.idempotent`). @default 1 */
  readonly retries?: number;
}

/** What of a call being served goes with the calls that its handler makes. */
export type Origin = Pick<Call, "metadata" | "signal" | "deadline">;

/** Says something of one connection only: not carried on. */
const notCarried =
  /^(:|accept|connect(ion)?-?|content-|grpc-|host$|keep-alive$|te$|timeout$|trailer$|transfer-encoding$|upgrade$|user-agent$|x-content-type$|micro-from-service$)/;

/** @param origin absent: nothing to carry on */
export function createClient(options: ClientOptions, origin?: Origin): Client {
  const { selector, pool, retries = 1 } = options;

  const attempt = async (call: Call, service: string, address: string | undefined): Promise<unknown> => {
    const target = address ?? (await selector.pick(service));
    const began = performance.now();
    try {
      const reply = await pool.connection(target).dispatch(call);
      selector.report?.(target, undefined, performance.now() - began);
      return reply;
    } catch (error) {
      selector.report?.(target, error, performance.now() - began);
      throw error;
    }
  };

  const dispatch = async (asked: Asked): Promise<unknown> => {
    const { service, how } = asked;
    const call = outgoing(asked, options, origin);
    for (let left = how.type?.idempotent ? retries : 0; ; left--) {
      try {
        return await attempt(call, service, how.address);
      } catch (error) {
        const again =
          left > 0 && !call.signal.aborted && error instanceof MicrorunError && error.code === "unavailable";
        if (!again) throw error;
      }
    }
  };

  return {
    // biome-ignore lint/suspicious/noExplicitAny: as in the contract
    call: async (service, endpoint, request, how = {}): Promise<any> =>
      dispatch({ service, endpoint, request, how, stream: false }),
    async *stream(service, endpoint, request, how = {}) {
      const replies = await dispatch({ service, endpoint, request, how, stream: true });
      // biome-ignore lint/suspicious/noExplicitAny: as in the contract
      yield* replies as AsyncIterable<any>;
    },
  };
}

interface Asked {
  readonly service: string;
  readonly endpoint: string;
  readonly request: unknown;
  readonly how: CallOptions;
  /** A stream of replies is wanted; it has no deadline of its own. */
  readonly stream: boolean;
}

function outgoing(
  { service, endpoint, request, how, stream }: Asked,
  options: ClientOptions,
  origin: Origin | undefined,
): Call {
  const names = nameParts(service, endpoint);
  const type =
    how.type ??
    (stream
      ? jsonMethod(names.service, names.method, { requestStream: isStream(request), responseStream: true })
      : undefined);
  const timeoutMs = how.timeoutMs ?? (stream ? undefined : (options.requestTimeoutMs ?? 5000));
  const deadline = Math.min(
    origin?.deadline ?? Number.POSITIVE_INFINITY,
    Date.now() + (timeoutMs ?? Number.POSITIVE_INFINITY),
  );
  const signals = [how.signal, origin?.signal].filter((signal) => signal !== undefined);
  const metadata = new Headers();
  for (const [key, value] of origin?.metadata ?? []) if (!notCarried.test(key)) metadata.set(key, value);
  for (const [key, value] of Object.entries(how.metadata ?? {})) metadata.set(key, value);
  metadata.set("micro-from-service", options.from);
  return {
    service: type?.service ?? names.service,
    method: type?.name ?? names.method,
    request: request ?? {},
    metadata,
    signal: signals.length === 1 ? signals[0]! : AbortSignal.any(signals),
    ...(Number.isFinite(deadline) ? { deadline } : {}),
    ...(type === undefined ? {} : { type }),
  };
}

/**
 * `Greeter.Hello` asked of `greeter` is `/greeter.Greeter/Hello` (go-micro v2's rule, which is also the full protobuf
 * name where the service is called as its package); `a.b.Greeter.Hello` is `/a.b.Greeter/Hello`.
 */
function nameParts(service: string, endpoint: string): { service: string; method: string } {
  const dot = endpoint.lastIndexOf(".");
  if (dot <= 0 || dot === endpoint.length - 1) {
    throw new MicrorunError("invalid_argument", `endpoint ${endpoint}: not of the form Service.Method`, {
      hint: "write it as Greeter.Hello",
    });
  }
  const owner = endpoint.slice(0, dot);
  return { service: owner.includes(".") ? owner : `${service}.${owner}`, method: endpoint.slice(dot + 1) };
}
