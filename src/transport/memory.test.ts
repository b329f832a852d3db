/** The memory transport under the transport's contract. */
import { memoryTransport } from "./memory.ts";
import { transportContract } from "./transport.contract.ts";

transportContract("the memory transport", { transport: memoryTransport(), address: () => "127.0.0.1:0" });
