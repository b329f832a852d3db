/** The commands that publish events and listen to them, and their flags. */
import type { Command } from "./command.ts";
import type { FlagGroup } from "./flags.ts";
import { brokerFlags, portFlags } from "./run-flags.ts";
import { callFlags, registryGroup } from "./tool-flags.ts";

/** How the payload of a message is written. */
export const payloadFlags = {
  proto: {
    ...callFlags.proto,
    about: "The .proto file that has the message of --type, repeatable.",
    example: "./orders.proto",
    otherwise: "messages are JSON",
  },
  type: {
    type: "text",
    variable: false,
    about: "The protobuf message that the payload is, by its full name.",
    example: "shop.Order",
    otherwise: "messages are JSON",
  },
} as const;

export const publishFlags = {
  metadata: {
    ...callFlags.metadata,
    about: "Header fields of the message, repeatable.",
    example: "x-tenant=a",
  },
  key: {
    type: "text",
    variable: false,
    about: "The idempotency key: of messages with the same one a subscription handles the first alone.",
    example: "order-7",
    otherwise: "none",
  },
  ...payloadFlags,
  cloudevent: {
    type: "text",
    variable: false,
    about: "Publish a CloudEvent of this type.",
    example: "com.example.order.created",
    otherwise: "a message of Go Micro's",
  },
  cloudevent_mode: {
    type: "choice",
    of: ["binary", "structured"],
    variable: false,
    about: "How the CloudEvent is written: attributes beside the payload, or one JSON document of both.",
    example: "structured",
    default: "binary",
  },
} as const;

export const subscribeFlags = {
  queue: {
    type: "text",
    variable: false,
    about: "Of all subscribers that name the same queue, one gets each message.",
    example: "billing",
    otherwise: "every message is seen, and none taken from others",
  },
  count: {
    type: "integer",
    variable: false,
    about: "End after so many messages.",
    example: "1",
    otherwise: "Ctrl-C",
    min: 1,
  },
  ...payloadFlags,
  output: {
    type: "choice",
    of: ["json", "body"],
    variable: false,
    about: "How a message is printed, one a line; json: topic, header and body; body: that alone.",
    example: "body",
    default: "json",
  },
} as const;

const eventsGroup: FlagGroup = {
  title: "Events:",
  flags: {
    broker: {
      ...brokerFlags.broker,
      about: "What carries events: http to subscribers of the registry, or a NATS server.",
    },
    broker_address: brokerFlags.broker_address,
    max_message_bytes: portFlags.max_message_bytes,
  },
};

export const eventCommands: readonly Command[] = [
  {
    name: "publish",
    words: "<topic> <message>",
    about: "Publish a message",
    groups: [{ title: "Publish:", flags: publishFlags }, eventsGroup, registryGroup],
    examples: [
      [`microrun publish orders.created '{"id":7}'`, "JSON, to whoever subscribed"],
      ["microrun publish orders.created - --key=order-7 < order.json", "from stdin"],
    ],
    most: 2,
    load: () => import("./publish.ts"),
  },
  {
    name: "subscribe",
    words: "<topic>",
    about: "Print the messages of a topic, one a line, until Ctrl-C",
    groups: [{ title: "Subscribe:", flags: subscribeFlags }, eventsGroup, registryGroup],
    examples: [
      ["microrun subscribe orders.created", `{"topic":"orders.created","header":{…},"body":{"id":7}}`],
      ["microrun subscribe 'orders.>' --broker=nats --count=1", "the next one"],
    ],
    most: 1,
    load: () => import("./subscribe.ts"),
  },
];
