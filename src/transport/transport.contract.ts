/** What every transport does, as tests: run against each implementation, on each kind of address. */
import { describe } from "bun:test";
import { errorsContract } from "./errors.contract.ts";
import { lateContract } from "./late.contract.ts";
import { messagesContract } from "./messages.contract.ts";
import { opener, type Setup } from "./peer.contract.ts";
import { stopsContract } from "./stops.contract.ts";

export function transportContract(name: string, setup: Setup): void {
  describe(name, () => {
    const open = opener(setup);
    messagesContract(setup, open);
    errorsContract(setup, open);
    lateContract(open);
    stopsContract(open);
  });
}
