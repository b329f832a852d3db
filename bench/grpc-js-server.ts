/** The bare grpc-js server that microrun is held against: the same call, codec and async handler, and nothing else. */
import { Server, ServerCredentials, type ServiceDefinition } from "@grpc/grpc-js";
import protobuf from "protobufjs";
import proto from "../test/peers/greeterpb/greeter.proto" with { type: "text" };

interface HelloRequest {
  readonly name: string;
}

interface HelloResponse {
  readonly greeting: string;
}

/** Both ways through plain objects, as proto-loader does it. */
function codec<T>(type: protobuf.Type): { encode(value: T): Buffer; decode(bytes: Buffer): T } {
  const options = { longs: String, enums: String, defaults: true, oneofs: true };
  return {
    encode: (value) => Buffer.from(type.encode(type.fromObject(value as object)).finish()),
    decode: (bytes) => type.toObject(type.decode(bytes), options) as T,
  };
}

const { root } = protobuf.parse(proto, { keepCase: false });
const request = codec<HelloRequest>(root.lookupType("greeter.HelloRequest"));
const reply = codec<HelloResponse>(root.lookupType("greeter.HelloResponse"));
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
