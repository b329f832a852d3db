/** `microrun subscribe`: each message of a topic as a line, until stopped or until there were enough. */
import type { Message } from "../../broker/broker.ts";
import { MicrorunError } from "../../errors.ts";
import { aborted } from "../../wait.ts";
import type { Input } from "../command/command.ts";
import { stopSignal, toolLog } from "../command/discovery.ts";
import { subscribeFlags } from "../flags/event-flags.ts";
import { readFlags } from "../flags/values.ts";
import { openEvents, payloadType, topicWord } from "./event-broker.ts";
import { bodyLine, messageLine } from "./message-line.ts";

export async function start({ words, given, env }: Input): Promise<number> {
  const topic = topicWord("subscribe", words, "microrun subscribe orders.created");
  const flags = readFlags(subscribeFlags, given, env);
  const type = await payloadType({ given, env });
  const line = flags.output === "body" ? bodyLine : messageLine;
  const enough = new AbortController();
  const signal = AbortSignal.any([stopSignal(), enough.signal]);
  await using events = await openEvents({ given, env }, toolLog(env));

  let left = flags.count ?? Number.POSITIVE_INFINITY;
  const print = (_: unknown, message: Message): void => {
    if (left <= 0) {
      // of a queue it was for us alone: where the broker can, it comes to another
      if (flags.queue === undefined) return;
      throw new MicrorunError("aborted", "it came after the last one of --count");
    }
    left--;
    process.stdout.write(line(message, type));
    if (left <= 0) enough.abort();
  };
  await using _ = await events.broker.subscribe(topic, print, {
    // read here: what cannot be read is to be seen too
    type: "bytes",
    // in the order in which they came
    concurrency: 1,
    ...(flags.queue === undefined ? {} : { queue: flags.queue }),
  });
  process.stderr.write(`subscribed to ${topic}\n`);
  await aborted(signal);
  return 0;
}
