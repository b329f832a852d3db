/** The stream that messages are kept in: made where there is none, and its subjects made to hold a topic. */
import { JetStreamApiCodes, JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { errorText, MicrorunError } from "../errors.ts";

/** How long a stream that we make keeps its messages, ms. */
export const streamAgeMs: number = 7 * 24 * 3600 * 1000;

/** @throws MicrorunError `failed_precondition` where the stream cannot be made so */
export async function ensureSubject(
  connection: NatsConnection,
  stream: string,
  topic: string,
): Promise<void> {
  try {
    const { streams } = await jetstreamManager(connection, { checkAPI: false });
    const info = await streams.info(stream).catch((error) => {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
        return undefined;
      throw error;
    });
    if (info === undefined) {
      await streams.add({ name: stream, subjects: [topic], max_age: streamAgeMs * 1_000_000 });
      return;
    }
    const subjects = info.config.subjects ?? [];
    if (subjects.some((subject) => covers(subject, topic))) return;
    const kept = subjects.filter((subject) => !covers(topic, subject));
    await streams.update(stream, { ...info.config, subjects: [...kept, topic] });
  } catch (error) {
    throw new MicrorunError(
      "failed_precondition",
      `stream ${stream} does not hold ${topic}: ${errorText(error)}`,
      {
        hint: `make it:  nats stream add ${stream} --subjects ${topic}`,
        cause: error,
      },
    );
  }
}

/** By NATS' rule: `*` stands for a word, `>` for all that follow. */
export function covers(pattern: string, subject: string): boolean {
  const [wanted, words] = [pattern.split("."), subject.split(".")];
  for (const [index, want] of wanted.entries()) {
    const word = words[index];
    if (word === undefined) return false;
    if (want === ">") return true;
    if (word === ">" || (want !== "*" && want !== word)) return false;
  }
  return wanted.length === words.length;
}
