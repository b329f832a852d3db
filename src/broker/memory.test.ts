import { silentLog } from "../log.ts";
import { brokerContract } from "./broker.contract.ts";
import { memoryBroker } from "./memory.ts";

brokerContract(
  "memory",
  async () => memoryBroker(silentLog),
  () => new Promise((resolve) => setImmediate(resolve)),
);
