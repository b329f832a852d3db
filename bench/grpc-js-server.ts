/** The bare grpc-js server that microrun is held against: the same calls, codec and async handlers, and nothing else. */
import { once } from "node:events";
import { Server, ServerCredentials, type ServerWritableStream, type ServiceDefinition } from "@grpc/grpc-js";
import { greeterCodec, type HelloRequest, type HelloResponse } from "./greeter-codec.ts";

const { request, reply } = greeterCodec();
const codec = {
  requestSerialize: request.encode,
  requestDeserialize: request.decode,
  responseSerialize: reply.encode,
  responseDeserialize: reply.decode,
};
const greeter: ServiceDefinition = {
  Hello: { path: "/greeter.Greeter/Hello", requestStream: false, responseStream: false, ...codec },
  LotsOfReplies: {
    path: "/greeter.Greeter/LotsOfReplies",
    requestStream: false,
    responseStream: true,
    ...codec,
  },
};

const hello = async ({ name }: HelloRequest): Promise<HelloResponse> => ({ greeting: `Hello ${name}` });

async function lotsOfReplies(call: ServerWritableStream<HelloRequest, HelloResponse>): Promise<void> {
  const [, count, name] = call.request.name.split(":");
  for (let sent = 0; sent < Number(count); sent++)
    if (!call.write({ greeting: `Hello ${name}` })) await once(call, "drain");
  call.end();
}

const server = new Server();
server.addService(greeter, {
  Hello: (
    call: { request: HelloRequest },
    callback: (error: Error | null, value?: HelloResponse) => void,
  ): void => {
    hello(call.request).then((value) => callback(null, value), callback);
  },
  LotsOfReplies: (call: ServerWritableStream<HelloRequest, HelloResponse>): void => {
    lotsOfReplies(call).catch((error: Error) => call.destroy(error));
  },
});
server.bindAsync(`127.0.0.1:${process.argv[2]}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
});
