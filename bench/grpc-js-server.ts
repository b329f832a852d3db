/** The bare grpc-js server that microrun is held against: the same call, codec and async handler, and nothing else. */
import { Server, ServerCredentials, type ServiceDefinition } from "@grpc/grpc-js";
import { greeterCodec, type HelloRequest, type HelloResponse } from "./greeter-codec.ts";

const { request, reply } = greeterCodec();
const greeter: ServiceDefinition = {
  Hello: {
    path: "/greeter.Greeter/Hello",
    requestStream: false,
    responseStream: false,
    requestSerialize: request.encode,
    requestDeserialize: request.decode,
    responseSerialize: reply.encode,
    responseDeserialize: reply.decode,
  },
};

const hello = async ({ name }: HelloRequest): Promise<HelloResponse> => ({ greeting: `Hello ${name}!` });

const server = new Server();
server.addService(greeter, {
  Hello: (
    call: { request: HelloRequest },
    callback: (error: Error | null, value?: HelloResponse) => void,
  ): void => {
    hello(call.request).then((value) => callback(null, value), callback);
  },
});
server.bindAsync(`127.0.0.1:${process.argv[2]}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
});
