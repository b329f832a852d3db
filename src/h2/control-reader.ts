/** PRIORITY, RST_STREAM, PING, GOAWAY and WINDOW_UPDATE, read (RFC 9113 §6.3, §6.4, §6.7–§6.9). */
import { isIdle } from "./body-reader.ts";
import { pump, pumpBlocked } from "./body-writer.ts";
import { abandon, drain, drainMark, refuseNew, streamError } from "./closing.ts";
import type { Connection } from "./connection.ts";
import { ConnectionError } from "./connection-error.ts";
import { costs, spend } from "./flood-budget.ts";
import { flags, maxStreamId, maxWindow, pingBytes } from "./frame-code.ts";
import { writePingAck } from "./frame-writer.ts";
import { errorCodes } from "./h2.ts";

/** Deprecated (§5.3): checked, and without effect. */
export function readPriority(
  connection: Connection,
  bytes: Buffer,
  start: number,
  length: number,
  id: number,
): void {
  spend(connection.budget, costs.priority);
  if (length !== 5) streamError(connection, id, errorCodes.frameSize, "PRIORITY");
  else if ((bytes.readUInt32BE(start) & maxStreamId) === id)
    streamError(connection, id, errorCodes.protocol, "a stream depends on itself");
}

export function readReset(
  connection: Connection,
  bytes: Buffer,
  start: number,
  length: number,
  id: number,
): void {
  if (length !== 4) throw new ConnectionError(errorCodes.frameSize, "RST_STREAM");
  if (isIdle(connection, id)) throw new ConnectionError(errorCodes.protocol, "RST_STREAM on an idle stream");
  const stream = connection.streams.get(id);
  if (stream === undefined) {
    spend(connection.budget, costs.late);
    return;
  }
  // a client has asked for as many: only a server can be flooded with them
  if (connection.isServer) spend(connection.budget, costs.reset);
  const code = bytes.readUInt32BE(start);
  const unsent = code === errorCodes.refusedStream;
  abandon(stream, { code, reason: "reset by the peer", unsent }, false);
}

export function readPing(
  connection: Connection,
  bytes: Buffer,
  start: number,
  length: number,
  flagBits: number,
): void {
  if (length !== pingBytes) throw new ConnectionError(errorCodes.frameSize, "PING");
  if ((flagBits & flags.ack) !== 0) {
    if (bytes[start] === drainMark) refuseNew(connection);
    return;
  }
  spend(connection.budget, costs.ping);
  writePingAck(connection.output, bytes, start);
}

export function readGoAway(connection: Connection, bytes: Buffer, start: number, length: number): void {
  if (length < 8) throw new ConnectionError(errorCodes.frameSize, "GOAWAY");
  const code = bytes.readUInt32BE(start + 4);
  if (!connection.isServer) {
    const last = bytes.readUInt32BE(start) & maxStreamId;
    for (const stream of [...connection.streams.values()])
      if (stream.id > last) abandon(stream, { code, reason: "GOAWAY", unsent: true });
    drain(connection);
  } else if (code !== errorCodes.noError) drain(connection);
}

export function readWindowUpdate(
  connection: Connection,
  bytes: Buffer,
  start: number,
  length: number,
  id: number,
): void {
  if (length !== 4) throw new ConnectionError(errorCodes.frameSize, "WINDOW_UPDATE");
  spend(connection.budget, costs.windowUpdate);
  const increment = bytes.readUInt32BE(start) & maxWindow;
  if (id === 0) {
    if (increment === 0) throw new ConnectionError(errorCodes.protocol, "WINDOW_UPDATE of 0");
    connection.sendWindow += increment;
    if (connection.sendWindow > maxWindow)
      throw new ConnectionError(errorCodes.flowControl, "connection window");
    pumpBlocked(connection);
    return;
  }
  const stream = connection.streams.get(id);
  if (stream === undefined) {
    if (isIdle(connection, id))
      throw new ConnectionError(errorCodes.protocol, "WINDOW_UPDATE on an idle stream");
    return;
  }
  if (increment === 0) {
    streamError(connection, id, errorCodes.protocol, "WINDOW_UPDATE of 0");
    return;
  }
  stream.sendWindow += increment;
  if (stream.sendWindow > maxWindow) streamError(connection, id, errorCodes.flowControl, "stream window");
  else if (stream.pendingBytes > 0) pump(stream);
}
