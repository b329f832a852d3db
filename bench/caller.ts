/** A job for microrun: calls the greeter through selector and pool, and prints what that cost as one line of JSON. */
import { callLoop, loopOf } from "./call-loop.ts";
import { checkCount, nameOf, outCase, uniqueMetadata } from "./out-cases.ts";

interface JobContext {
  readonly client: {
    call(service: string, endpoint: string, request: unknown, options?: object): Promise<unknown>;
    stream(service: string, endpoint: string, request: unknown): AsyncIterable<unknown>;
  };
  readonly args: readonly string[];
}

export const proto = "../test/peers/greeterpb/greeter.proto";

export default async function caller({ client, args: [name, ...loop] }: JobContext): Promise<void> {
  const which = outCase(name);
  const request = { name: nameOf(which) };
  const unique = uniqueMetadata();
  const unary = (): Promise<unknown> =>
    which.metadata
      ? client.call("greeter", "Greeter.Hello", request, { metadata: unique() })
      : client.call("greeter", "Greeter.Hello", request);
  const stream = async (): Promise<void> => {
    let read = 0;
    for await (const _ of client.stream("greeter", "Greeter.LotsOfReplies", request)) read++;
    checkCount(read, which);
  };
  console.log(JSON.stringify(await callLoop(which.messages === undefined ? unary : stream, loopOf(loop))));
}
