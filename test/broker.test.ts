/** The brokers that leave the process, by the suite of all: HTTP on real sockets, NATS and JetStream on a real nats-server. */
import { afterAll, describe } from "bun:test";
import { brokerContract } from "../src/broker/broker.contract.ts";
import { natsBroker } from "../src/broker/nats.ts";
import { silentLog } from "../src/log.ts";
import { memoryRegistry } from "../src/registry/memory.ts";
import { openHttpBroker } from "./brokers.ts";
import { natsBinary, startNats } from "./nats-server.ts";

brokerContract({
  name: "http",
  place() {
    const registry = memoryRegistry();
    return {
      broker: async () => openHttpBroker({ registry }),
      [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
    };
  },
});

const path = await natsBinary();
const server = path === undefined ? undefined : await startNats(path);
afterAll(() => server?.[Symbol.asyncDispose]());

const natsPlace = (query: string) => () => ({
  broker: () => natsBroker({ addresses: [`${server?.url}${query}`], log: silentLog }),
  [Symbol.asyncDispose]: async () => {},
});

describe.skipIf(server === undefined)("with a nats-server", () => {
  brokerContract({ name: "nats", place: natsPlace("") });
  brokerContract({ name: "nats, jetstream", place: natsPlace("?jetstream=EVENTS"), redelivers: true });
});
