/** `grpc.health.v1.Health`: the readiness checks, as gRPC clients and Kubernetes' gRPC probes ask for them. */
import text from "../../../proto/grpc/health/v1/health.proto" with { type: "text" };
import { MicrorunError } from "../../errors.ts";
import type { Health } from "../../health/health.ts";
import type { Context } from "../../service/service.ts";
import { type BuiltinPart, builtinPart } from "./builtin.ts";

/** How often a watched check is run again. */
const watchIntervalMs = 5000;

interface Reply {
  readonly status: "SERVING" | "NOT_SERVING" | "SERVICE_UNKNOWN";
}

/** @param names full names of the services whose health is the process' own */
export function healthPart(health: Health, names: readonly string[]): BuiltinPart {
  // the empty name asks for the server as a whole
  const known = new Set(["", ...names]);

  const check = async (): Promise<Reply> => {
    const results = health.serving ? await health.run("ready") : [];
    return { status: health.serving && results.every(({ ok }) => ok) ? "SERVING" : "NOT_SERVING" };
  };

  async function* watch({ service }: { service: string }, { signal }: Context): AsyncGenerator<Reply> {
    let last: string | undefined;
    for await (const _ of moments(health, signal)) {
      const reply: Reply = known.has(service) ? await check() : { status: "SERVICE_UNKNOWN" };
      if (reply.status === last || signal.aborted) continue;
      last = reply.status;
      yield reply;
    }
  }

  return builtinPart({
    service: "grpc.health.v1.Health",
    file: "grpc/health/v1/health.proto",
    text,
    methods: {
      Check: {
        handler: ({ service }: { service: string }) => {
          if (!known.has(service)) throw new MicrorunError("not_found", `unknown service ${service}`);
          return check();
        },
      },
      List: {
        handler: async () => {
          const reply = await check();
          return { statuses: Object.fromEntries([...known].map((name) => [name, reply])) };
        },
      },
      Watch: { handler: watch, responseStream: true },
    },
  });
}

/** When to look: now, at each change of `serving`, and every so often in between. */
async function* moments(health: Health, signal: AbortSignal): AsyncGenerator<void> {
  const changes = health.watch(signal)[Symbol.asyncIterator]();
  let change = changes.next();
  try {
    for (;;) {
      const tick = Promise.withResolvers<undefined>();
      const timer = setTimeout(tick.resolve, watchIntervalMs, undefined);
      const next = await Promise.race([change, tick.promise]).finally(() => clearTimeout(timer));
      if (next?.done) return;
      if (next !== undefined) change = changes.next();
      yield;
    }
  } finally {
    await changes.return?.();
  }
}
