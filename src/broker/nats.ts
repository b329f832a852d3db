/** Events over NATS in Go Micro's form: at most once by its subjects, at least once where JetStream keeps them. */
import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import { errorText } from "../errors.ts";
import type { Log } from "../log.ts";
import { within } from "../wait.ts";
import type { OpenBroker } from "./broker.ts";
import { type CarriedOptions, carriedBroker } from "./carried.ts";
import type { Carrier, Intake } from "./carrier.ts";
import { parseNatsAddress } from "./nats-address.ts";
import { firstAnswerMs, maxOutageMs, type NatsLink, natsLink } from "./nats-link.ts";
import { checkSubject, publishError, readNatsMessage, writeNatsMessage } from "./nats-message.ts";

/** What is written between two answers of the server, bytes and messages: its pace is ours. */
const maxUnflushedBytes = 1024 * 1024;
const maxUnflushed = 1024;
/** How long the end of a subscription waits for what is on its way, ms. */
const unsubscribeMs = 1000;
/** Lost messages are told of at most this often, ms. */
const complaintMs = 10_000;

export interface NatsBrokerOptions extends CarriedOptions {
  /** As `--broker_address` has them. @default nats://127.0.0.1:4222 */
  readonly addresses: readonly string[];
}

/** @throws MicrorunError `invalid_argument` for addresses that cannot be */
export async function natsBroker(options: NatsBrokerOptions): Promise<OpenBroker> {
  const { log, source = "/" } = options;
  const address = parseNatsAddress(options.addresses);
  const link = natsLink(address, source.slice(1) || "microrun", log);
  if (address.stream === undefined) return carriedBroker(natsCarrier(link, log), options);
  const { streamCarrier } = await import("./nats-stream.ts");
  return carriedBroker(streamCarrier(link, address.stream, log), options);
}

function natsCarrier(link: NatsLink, log: Log): Carrier {
  let unflushed = 0;
  let unflushedBytes = 0;
  let flushing: Promise<void> | undefined;

  return {
    name: "nats",
    redelivers: false,
    trouble: () => link.trouble,
    async send(letter) {
      const connection = await link.connection();
      const { data, headers } = writeNatsMessage(letter);
      checkSubject(letter.topic);
      try {
        connection.publish(letter.topic, data, headers === undefined ? {} : { headers });
        unflushed++;
        unflushedBytes += data.length;
        if (flushing === undefined && unflushed < maxUnflushed && unflushedBytes < maxUnflushedBytes) return;
        flushing ??= within(maxOutageMs, "flush", connection.flush()).finally(() => {
          [unflushed, unflushedBytes, flushing] = [0, 0, undefined];
        });
        await flushing;
      } catch (error) {
        throw publishError(letter.topic, error);
      }
    },
    async receive(topic, queue, intake) {
      let held: Subscription | undefined;
      const end = link.follow((connection) => {
        held = listen(connection, topic, queue, intake, log);
      });
      // without a connection it comes later
      const stands = await link.connection(firstAnswerMs).catch(() => undefined);
      await stands?.flush().catch(() => {});
      return {
        async [Symbol.asyncDispose]() {
          end();
          if (held === undefined || held.isClosed()) return;
          await within(unsubscribeMs, "unsubscribe", held.drain()).catch(() => held?.unsubscribe());
        },
      };
    },
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  };
}

function listen(
  connection: NatsConnection,
  topic: string,
  queue: string | undefined,
  intake: Intake,
  log: Log,
): Subscription {
  let lost = 0;
  let told = 0;
  return connection.subscribe(topic, {
    ...(queue === undefined ? {} : { queue }),
    callback(error, message) {
      if (error !== null) {
        log.error(`not subscribed to ${topic}: ${errorText(error)}`);
        return;
      }
      if (!intake.full) {
        void intake.take(readNatsMessage(message.subject, message.data, message.headers));
        return;
      }
      lost++;
      if (Date.now() - told < complaintMs) return;
      told = Date.now();
      log.warn(`messages of ${topic} are lost: their subscriber is far behind`, { lost });
    },
  });
}
