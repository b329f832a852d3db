/** The greeter's messages for the bare grpc-js programs, both ways through plain objects as proto-loader does it. */
import protobuf from "protobufjs";
import proto from "../test/peers/greeterpb/greeter.proto" with { type: "text" };

export interface HelloRequest {
  readonly name: string;
}

export interface HelloResponse {
  readonly greeting: string;
}

export interface Codec<T> {
  encode(value: T): Buffer;
  decode(bytes: Buffer): T;
}

export function greeterCodec(): { request: Codec<HelloRequest>; reply: Codec<HelloResponse> } {
  const { root } = protobuf.parse(proto, { keepCase: false });
  return {
    request: codec(root.lookupType("greeter.HelloRequest")),
    reply: codec(root.lookupType("greeter.HelloResponse")),
  };
}

function codec<T>(type: protobuf.Type): Codec<T> {
  const options = { longs: String, enums: String, defaults: true, oneofs: true };
  return {
    encode: (value) => Buffer.from(type.encode(type.fromObject(value as object)).finish()),
    decode: (bytes) => type.toObject(type.decode(bytes), options) as T,
  };
}
