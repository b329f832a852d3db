/** The commands about services that run: what they say of themselves, and their events. */
import type { Command } from "../command/command.ts";
import { askGroup, logsFlags, reportFlags, statsFlags } from "../flags/debug-flags.ts";
import { eventsGroup, payloadFlags, publishFlags, subscribeFlags } from "../flags/event-flags.ts";
import { logFlags } from "../flags/run-flags.ts";
import { healthFlags, registryGroup } from "../flags/tool-flags.ts";

export const toolkitCommands: readonly Command[] = [
  {
    name: "publish",
    words: "<topic> <message>",
    about: "Publish a message",
    groups: [{ title: "Publish:", flags: { ...publishFlags, ...payloadFlags } }, eventsGroup, registryGroup],
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
    groups: [
      { title: "Subscribe:", flags: { ...subscribeFlags, ...payloadFlags } },
      eventsGroup,
      registryGroup,
    ],
    examples: [
      ["microrun subscribe orders.created", `{"topic":"orders.created","header":{…},"body":{"id":7}}`],
      ["microrun subscribe 'orders.>' --broker=nats --count=1", "the next one"],
    ],
    most: 1,
    load: () => import("./subscribe.ts"),
  },
  {
    name: "stats",
    words: "<service>",
    about: "Print since when each instance of a service runs, and what it uses",
    groups: [{ title: "Stats:", flags: statsFlags }, askGroup, registryGroup],
    examples: [
      ["microrun stats greeter", "as micro stats prints it"],
      ["microrun stats greeter --output=json", "requests and errors too"],
    ],
    most: 2,
    load: () => import("./stats.ts"),
  },
  {
    name: "health",
    words: "[service]",
    about:
      "Ask each instance of a service for its health; without a service be the sidecar that answers /health",
    groups: [
      { title: "Health:", flags: reportFlags },
      askGroup,
      registryGroup,
      { title: "Sidecar:", flags: healthFlags },
      { title: "Log:", flags: logFlags },
    ],
    examples: [
      ["microrun health greeter", "as micro health prints it; exit 1 unless all are ok"],
      [
        "microrun health --server_name=greeter --server_address=localhost:9091",
        "the sidecar: GET 127.0.0.1:8080/health asks it",
      ],
    ],
    most: 2,
    load: () => import("./health.ts"),
  },
  {
    name: "logs",
    words: "<service>",
    about: "Print the last log lines of each instance of a service, in the order of their times",
    groups: [{ title: "Logs:", flags: logsFlags }, askGroup, registryGroup],
    examples: [
      ["microrun logs greeter --since=10m", "what its instances keep of the last ten minutes"],
      ["microrun logs greeter --follow --count=10", "and on, until Ctrl-C"],
    ],
    most: 2,
    load: () => import("./logs.ts"),
  },
];
