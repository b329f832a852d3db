import { silentLog } from "../log.ts";
import { brokerContract } from "./broker.contract.ts";
import { memoryBroker } from "./memory.ts";

brokerContract({
  name: "memory",
  place() {
    const broker = memoryBroker(silentLog);
    return {
      broker: async () => ({ ...broker, [Symbol.asyncDispose]: async () => {} }),
      [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
    };
  },
});
