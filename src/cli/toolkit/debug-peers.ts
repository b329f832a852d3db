/** The instances of a service, asked for their Debug endpoints, which Go Micro v1 and v2 serve, and we. */
import type { CallOptions } from "../../client/client.ts";
import { MicrorunError } from "../../errors.ts";
import { openOutbound } from "../../outbound.ts";
import { grpc } from "../../plugins.ts";
import type { Instance, Registry } from "../../registry/registry.ts";
import type { Input } from "../command/command.ts";
import { dialable } from "../command/dial.ts";
import { registryMesh, serviceWord, toolLog } from "../command/discovery.ts";
import { readClient, readMesh } from "../command/settings.ts";
import { askFlags } from "../flags/debug-flags.ts";
import { portFlags } from "../flags/run-flags.ts";
import { readFlags } from "../flags/values.ts";
import { look, tellNotFound } from "../registry/get.ts";

/** A reply as JSON has it. */
// biome-ignore lint/suspicious/noExplicitAny: whoever asks knows the `.proto`
export type Reply = any;

export interface DebugPeers extends AsyncDisposable {
  readonly service: string;
  /** At least one. */
  readonly instances: readonly Instance[];
  /** Where others may come from. Undefined: an address was named. */
  readonly registry?: Registry;
  /** @throws MicrorunError */
  ask(instance: Instance, method: "Health" | "Stats"): Promise<Reply>;
  /** @param signal ends it @default it ends in time, or fails @throws MicrorunError */
  logs(instance: Instance, request: object, signal?: AbortSignal): AsyncIterable<Reply>;
}

export interface Answer<T> {
  readonly instance: Instance;
  /** Of one that did not answer. */
  readonly error?: MicrorunError;
  readonly reply?: T;
}

const grpcHealth = "grpc.health.v1.Health";

/** Instances asked at once. */
const maxAsked = 32;

/** @returns undefined where there is no such service: that was told @throws MicrorunError */
export async function openDebugPeers(
  command: string,
  { words, given, env }: Pick<Input, "words" | "given" | "env">,
): Promise<DebugPeers | undefined> {
  const service = serviceWord(command, words, `microrun ${command} greeter`);
  const { address, timeout } = readFlags(askFlags, given, env);
  const { max_message_bytes } = readFlags({ max_message_bytes: portFlags.max_message_bytes }, new Map(), env);
  const mesh =
    address === undefined ? registryMesh({ given, env }) : { ...readMesh(given, env), registry: "memory" };
  await using opened = new AsyncDisposableStack();
  const outbound = opened.use(
    await openOutbound({
      mesh: { ...mesh, selector: "static" },
      // each instance has one answer to give
      client: { ...readClient(given, env), retries: 0 },
      requestTimeoutMs: () => timeout,
      transport: "grpc",
      maxMessageBytes: max_message_bytes,
      from: "microrun",
      env,
      log: toolLog(env),
    }),
  );
  const { registry } = outbound;
  const { found, all } = address === undefined ? await look(registry, service) : only(service, address);
  if (found.length === 0) {
    tellNotFound(service, all);
    return undefined;
  }
  const client = outbound.client();
  const method = (await grpc.builtin()).builtinMethods();
  const how = (instance: Instance, name: string): CallOptions => ({
    address: grpcAddress(instance),
    type: method("debug.Debug", name),
  });
  const serving = async (instance: Instance): Promise<Reply> => {
    const options = { address: grpcAddress(instance), type: method(grpcHealth, "Check"), timeoutMs: timeout };
    const { status } = (await client.call(service, `${grpcHealth}.Check`, {}, options)) as Reply;
    return { status: status === "SERVING" ? "ok" : status };
  };
  const stack = opened.move();
  return {
    service,
    instances: found,
    ...(address === undefined ? { registry } : {}),
    async ask(instance, name) {
      const options = { ...how(instance, name), timeoutMs: timeout };
      try {
        return await client.call(service, `debug.Debug.${name}`, {}, options);
      } catch (error) {
        if (name !== "Health" || !isMissing(error)) throw explained(name, error);
      }
      try {
        // Kratos' servers have gRPC's own
        return await serving(instance);
      } catch (error) {
        throw explained(name, error);
      }
    },
    async *logs(instance, request, signal) {
      const end = signal === undefined ? { timeoutMs: timeout } : { signal };
      const options = { ...how(instance, "Log"), ...end };
      try {
        yield* client.stream(service, "debug.Debug.Log", request, options);
      } catch (error) {
        throw explained("Log", error);
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** In the order of the instances; one that fails is an answer too. */
export async function askEach<T>(
  instances: readonly Instance[],
  ask: (instance: Instance) => Promise<T>,
): Promise<Answer<T>[]> {
  const answers: Answer<T>[] = [];
  const waiting = [...instances.entries()];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [at, instance] = next;
      answers[at] = await ask(instance).then(
        (reply) => ({ instance, reply }),
        (error: unknown) => ({ instance, error: MicrorunError.from(error) }),
      );
    }
  };
  await Promise.all(Array.from({ length: maxAsked }, worker));
  return answers;
}

function only(service: string, asked: string): Record<"found" | "all", readonly Instance[]> {
  const address = dialable(asked);
  return { found: [{ id: service, service, version: "", address, metadata: {} }], all: [] };
}

/** @throws MicrorunError for one that speaks no gRPC */
function grpcAddress({ address, protocols, metadata }: Instance): string {
  const own = metadata.protocol ?? (protocols === undefined ? "grpc" : undefined);
  const found = protocols?.grpc ?? protocols?.grpcs ?? (own?.startsWith("grpc") ? address : undefined);
  if (found !== undefined) return found;
  const spoken = own ?? Object.keys(protocols ?? {}).join(", ");
  throw new MicrorunError("unimplemented", `speaks ${spoken}, not gRPC: it cannot be asked`);
}

function isMissing(thrown: unknown): thrown is MicrorunError {
  return thrown instanceof MicrorunError && thrown.code === "unimplemented";
}

const others = {
  Health: ` and no ${grpcHealth}: Go Micro v5 has neither`,
  Stats: ": Go Micro v5 and Kratos have none",
  Log: ": Go Micro v1, v5 and Kratos have none",
} as const;

function explained(method: keyof typeof others, thrown: unknown): unknown {
  if (!isMissing(thrown)) return thrown;
  return new MicrorunError("unimplemented", `has no Debug.${method}${others[method]}`, { cause: thrown });
}
