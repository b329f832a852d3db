/** `Debug.Health`, which every Go Micro service answers: the question of the sidecar and of the probe. */
import { jsonMessage, type MessageType, type Method } from "../../call.ts";
import { MicrorunError } from "../../errors.ts";
import { ask } from "../command/dial.ts";

/** @returns the status, `ok` @throws MicrorunError when there is no answer, or another status */
export async function debugHealth(address: string, timeoutMs: number): Promise<string> {
  const reply = await ask({
    address,
    request: {},
    timeoutMs,
    type: health,
  });
  const { status } = reply as { status: string };
  if (status !== "ok") throw new MicrorunError("unavailable", `status ${JSON.stringify(status)}, not "ok"`);
  return status;
}

const empty: MessageType = { ...jsonMessage, encode: () => new Uint8Array() };

/** v1's path; v2 takes any package. HealthResponse{string status = 1} needs no schema to be read. */
const status: MessageType = {
  ...jsonMessage,
  decode: (bytes, start = 0) => ({
    status:
      bytes[start] === 0x0a
        ? new TextDecoder().decode(bytes.subarray(start + 2, start + 2 + (bytes[start + 1] ?? 0)))
        : "",
  }),
};

const health: Method = {
  service: "proto.Debug",
  name: "Health",
  requestStream: false,
  responseStream: false,
  idempotent: true,
  request: empty,
  response: status,
};
