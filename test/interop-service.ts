/** The interop service of the fixtures: how it is started, and called by our own client. */
import { join } from "node:path";
import type { Call, Method } from "../src/call.ts";
import { loadSchema } from "../src/grpc/schema/schema.ts";
import { outgoing } from "../src/transport/peer.contract.ts";
import type { Connection } from "../src/transport/transport.ts";

const folder = join(import.meta.dir, "fixtures/interop");

/** For `serve`. */
export const interopArgs: readonly string[] = [join(folder, "interop.ts"), "--selector=static"];
export const interopName = "grpc.testing.TestService";

const methods = (await loadSchema([join(folder, "interop.proto")])).services.get(interopName)!;

export function interopMethod(name: string): Method {
  return methods.find((method) => method.name === name)!;
}

export function encodeRequest(method: string, request: unknown): Uint8Array {
  return interopMethod(method).request.encode!(request);
}

export interface Reply {
  readonly payload: { readonly body: Uint8Array };
}

export async function interopCall<T = Reply>(
  connection: Connection,
  method: string,
  request: unknown = {},
  options: Partial<Call> = {},
): Promise<T> {
  const call = { service: interopName, method, request, type: interopMethod(method), ...options };
  return (await connection.dispatch(outgoing(call))) as T;
}
