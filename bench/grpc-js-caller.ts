/** The bare grpc-js client that calls out are held against: the same call and codec on one channel, and nothing else. */
import { Client, credentials } from "@grpc/grpc-js";
import { callLoop, loopOf } from "./call-loop.ts";
import { greeterCodec } from "./greeter-codec.ts";

const [address, ...rest] = process.argv.slice(2);
const { request, reply } = greeterCodec();
const client = new Client(address!, credentials.createInsecure());
const call = (): Promise<unknown> =>
  new Promise((resolve, reject) =>
    client.makeUnaryRequest(
      "/greeter.Greeter/Hello",
      request.encode,
      reply.decode,
      { name: "World" },
      { deadline: Date.now() + 5000 },
      (error, value) => (error ? reject(error) : resolve(value)),
    ),
  );
console.log(JSON.stringify(await callLoop(call, loopOf(rest))));
client.close();
