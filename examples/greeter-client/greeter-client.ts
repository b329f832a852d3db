/** Calls the greeter every 10 seconds and prints what it answers. */
import { setTimeout as pause } from "node:timers/promises";
import type { RuntimeContext } from "microrun";

export const name = "go-micro-client";
export const proto = "../greeter/greeter.proto";

const intervalMs = 10_000;

export default async ({ client, signal }: RuntimeContext): Promise<void> => {
  while (!signal.aborted) {
    try {
      const { greeting } = await client.call("go-micro-srv", "Greeter.Hello", { name: "XXX" });
      console.log("Server", greeting);
    } catch (error) {
      console.log(`${error}`);
    }
    await pause(intervalMs, undefined, { signal }).catch(() => {});
  }
};
