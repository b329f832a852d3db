/** The flags of the commands that publish events and listen to them. */
import type { FlagGroup } from "./flags.ts";
import { brokerFlags, portFlags } from "./run-flags.ts";

/** How the payload of a message is written. */
export const payloadFlags = {
  proto: {
    type: "list",
    variable: false,
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
    type: "pairs",
    variable: false,
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
  output: {
    type: "choice",
    of: ["json", "body"],
    variable: false,
    about: "How a message is printed, one a line; json: topic, header and body; body: that alone.",
    example: "body",
    default: "json",
  },
} as const;

export const eventsGroup: FlagGroup = {
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
