/** `microrun publish`: one message, and whether it got away. */
import { text } from "node:stream/consumers";
import type { PublishOptions } from "../../broker/broker.ts";
import { usageError } from "../../errors.ts";
import { createLog } from "../../log.ts";
import type { Registry } from "../../registry/registry.ts";
import { checkedMetadata, parseRequest } from "../call/call-request.ts";
import type { Input } from "../command/command.ts";
import { toolLog } from "../command/discovery.ts";
import { publishFlags } from "../flags/event-flags.ts";
import { type Given, readFlags } from "../flags/values.ts";
import { openEvents, payloadType, topicWord } from "./event-broker.ts";
import { hasSubscriber } from "./topics.ts";

const example = `microrun publish orders.created '{"id":7}'`;

export async function start({ words, given, env }: Input): Promise<number> {
  const topic = topicWord("publish", words, example);
  const [, written] = words;
  if (written === undefined) throw usageError("publish: requires a message", `write ${example}`);
  const flags = readFlags(publishFlags, given, env);
  checkCloudEvent(flags.cloudevent, given);
  const type = await payloadType({ given, env });
  const json = parseRequest(written === "-" ? await text(process.stdin) : written, "message");
  const payload = type === undefined ? json : type.fromJson(json);
  const options: PublishOptions = {
    metadata: checkedMetadata(flags.metadata),
    ...(flags.key === undefined ? {} : { key: flags.key }),
    ...(type === undefined ? {} : { type }),
    ...(flags.cloudevent === undefined
      ? {}
      : { cloudEvent: { type: flags.cloudevent, mode: flags.cloudevent_mode as "binary" | "structured" } }),
  };
  // a broker that takes a message and loses it says so in its log alone; if all is well again, that too
  let isLost = false;
  const shown = toolLog(env);
  const log = createLog({ write: () => {} });
  log.follow(({ level, message, fields }) => {
    isLost = level === "warn" || level === "error";
    shown[level](message, fields);
  });
  {
    await using events = await openEvents({ given, env }, log);
    await events.broker.publish(topic, payload, options);
    if (events.broker.name === "http") await tellUnheard(events.registry, topic);
  }
  return isLost ? 1 : 0;
}

function checkCloudEvent(type: string | undefined, given: Given): void {
  if (type === undefined && given.has("cloudevent_mode"))
    throw usageError("--cloudevent_mode: useless without a type", "name it by --cloudevent");
  if (type !== undefined && !/^[^\s\p{Cc}]+$/u.test(type))
    throw usageError(
      `--cloudevent=${type}: not a type`,
      `write it as --cloudevent=${publishFlags.cloudevent.example}`,
    );
}

/** No failure: who publishes need not know who listens. But whoever tries it by hand wants to. */
async function tellUnheard(registry: Registry, topic: string): Promise<void> {
  if (!hasSubscriber(await registry.list(), topic))
    process.stderr.write(`nobody subscribed to ${topic} in the ${registry.name} registry\n`);
}
