/** Messages of the transport's contract as gRPC frames them, for tests that speak HTTP/2 themselves. */
import { type Message, service } from "../src/transport/peer.contract.ts";

const { request } = service.find("contract.Kinds", "Unary")!.method;
export const encode = (text: string): Buffer => Buffer.from(request.encode!({ text }));
export const decode = (bytes: Uint8Array): string => (request.decode!(bytes) as Message).text;

/** @param flag 1: compressed @param length what it claims */
export function frame(bytes: Uint8Array, flag: number = 0, length: number = bytes.length): Buffer {
  const head = Buffer.from([flag, 0, 0, 0, 0]);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, bytes]);
}
