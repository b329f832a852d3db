/** A job for microrun: calls the greeter through selector and pool, and prints what that cost as one line of JSON. */
import { callLoop, loopOf } from "./call-loop.ts";

interface JobContext {
  readonly client: { call(service: string, endpoint: string, request: unknown): Promise<unknown> };
  readonly args: readonly string[];
}

export const proto = "../test/peers/greeterpb/greeter.proto";

export default async function caller({ client, args }: JobContext): Promise<void> {
  const call = (): Promise<unknown> => client.call("greeter", "Greeter.Hello", { name: "World" });
  console.log(JSON.stringify(await callLoop(call, loopOf(args))));
}
