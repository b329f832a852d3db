/** The broker that `publish` and `subscribe` use, and the protobuf message that a payload may be. */
import type { OpenBroker } from "../../broker/broker.ts";
import type { MessageType } from "../../call.ts";
import { usageError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { brokers, choose, grpc, registries } from "../../plugins.ts";
import type { Registry } from "../../registry/registry.ts";
import type { Input } from "../command/command.ts";
import { registryMesh } from "../command/discovery.ts";
import { readMesh } from "../command/settings.ts";
import { payloadFlags } from "../flags/event-flags.ts";
import { brokerFlags, portFlags } from "../flags/run-flags.ts";
import { readFlags } from "../flags/values.ts";

/** How long the end waits for what was published, or is being printed, ms. */
const drainTimeoutMs = 5000;

export interface Events extends AsyncDisposable {
  readonly broker: OpenBroker;
  /** Where subscribers are found. */
  readonly registry: Registry;
}

/** @throws MicrorunError */
export async function openEvents({ given, env }: Pick<Input, "given" | "env">, log: Log): Promise<Events> {
  const { broker: name } = readFlags({ broker: brokerFlags.broker }, given, env);
  if (name === "memory") throw usageError("--broker=memory: lives within one process", "use http or nats");
  // only http asks who subscribed
  const mesh =
    name === "http" ? registryMesh({ given, env }) : { ...readMesh(given, env), registry: "memory" };
  const { max_message_bytes } = readFlags({ max_message_bytes: portFlags.max_message_bytes }, given, env);
  await using opened = new AsyncDisposableStack();
  const registry = opened.use(await choose(registries, "registry", mesh.registry, { mesh, env, log }));
  const broker = opened.use(
    await choose(brokers, "broker", name, {
      ...{ mesh, env, log, registry, drainTimeoutMs },
      source: "/microrun",
      maxMessageBytes: max_message_bytes,
    }),
  );
  const stack = opened.move();
  return { broker, registry, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** @returns undefined where none is named @throws MicrorunError `invalid_argument` */
export async function payloadType({
  given,
  env,
}: Pick<Input, "given" | "env">): Promise<MessageType | undefined> {
  const { proto, type } = readFlags(payloadFlags, given, env);
  if (type === undefined) {
    if (proto.length === 0) return undefined;
    throw usageError("--proto: useless without a message", "name it, such as --type=shop.Order");
  }
  if (proto.length === 0)
    throw usageError(`--type=${type}: no .proto has it`, "name the file, such as --proto=./orders.proto");
  const found = (await (await grpc.schema()).loadSchema(proto)).message(type);
  if (found !== undefined) return found;
  throw usageError(
    `--type=${type}: there is no such message in ${proto.join(", ")}`,
    "name it in full, such as shop.Order",
  );
}

/** The topic that a command is about. @throws MicrorunError `invalid_argument` */
export function topicWord(command: string, [topic]: readonly string[], example: string): string {
  if (topic !== undefined) return topic;
  throw usageError(`${command}: requires a topic`, `write ${example}`);
}
