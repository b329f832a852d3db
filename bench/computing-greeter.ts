/** A greeter for microrun that computes about half a millisecond for each call: the server is what is busy, whatever loads it. */
import { createHash } from "node:crypto";

export const proto = "../test/peers/greeterpb/greeter.proto";

/** As much work wherever it runs: time would pass also while another process has the core. */
const work = Buffer.alloc(800_000);

export default {
  Greeter: {
    async Hello({ name }: { name: string }): Promise<{ greeting: string }> {
      createHash("sha256").update(work).digest();
      return { greeting: `Hello ${name}` };
    },
  },
};
