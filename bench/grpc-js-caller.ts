/** The bare grpc-js client that calls out are held against: the same calls and codec on one channel, and nothing else. */
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { callLoop, loopOf } from "./call-loop.ts";
import { greeterCodec } from "./greeter-codec.ts";
import { checkCount, nameOf, outCase, timeoutMs, uniqueMetadata } from "./out-cases.ts";

const [address, name, ...loop] = process.argv.slice(2);
const which = outCase(name);
const { request, reply } = greeterCodec();
const message = { name: nameOf(which) };
const client = new Client(address!, credentials.createInsecure());
const unique = uniqueMetadata();

function metadata(): Metadata {
  const made = new Metadata();
  if (which.metadata) for (const [key, value] of Object.entries(unique())) made.set(key, value);
  return made;
}

const unary = (): Promise<unknown> =>
  new Promise((resolve, reject) =>
    client.makeUnaryRequest(
      "/greeter.Greeter/Hello",
      request.encode,
      reply.decode,
      message,
      metadata(),
      { deadline: Date.now() + timeoutMs },
      (error, value) => (error ? reject(error) : resolve(value)),
    ),
  );

async function stream(): Promise<void> {
  const path = "/greeter.Greeter/LotsOfReplies";
  let read = 0;
  for await (const _ of client.makeServerStreamRequest(path, request.encode, reply.decode, message)) read++;
  checkCount(read, which);
}

const figures = await callLoop(which.messages === undefined ? unary : stream, loopOf(loop));
console.log(JSON.stringify(figures));
client.close();
